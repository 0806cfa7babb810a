"""Labels of an image, corrections by people, and the labels in use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from analysis import permissions
from analysis.api import pagination
from analysis.api.authentication import READ, WRITE, token_of
from analysis.api.errors import ApiError
from analysis.api.image_labels import LabelOut, LabelValues, labels_of
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.preconditions import etag_of, is_unchanged, not_modified, require_match
from analysis.api.request_body import RequestBody
from analysis.api.responses import json_response
from analysis.curation import verdicts
from analysis.curation.errors import ActionRefused
from analysis.models import Image, ImageLabel, Label, LabelAlias
from analysis.search import filenames, visible_labels
from analysis.search.visible_labels import VisibleLabel

router = Router(tags=["Labels"])
MAX_ID = 2**31 - 1
LabelId = Annotated[int, Field(ge=1, le=MAX_ID)]


class NamedConfidence(Schema):
    """A label in Rekognition's own spelling."""

    Name: str
    Confidence: float


class FileLabels(Schema):
    """The labels of a file as names, or with `confidences` in Rekognition's format."""

    filename: str
    image_id: int
    labels: list[str | NamedConfidence]


class VocabularyLabel(Schema):
    """A label in use.

    `image_count` is the number of images with it that you may see, a minimum if capped.
    """

    id: int
    name: str
    kind: str
    category: str
    parents: list[str]
    aliases: list[str]
    image_count: int
    is_count_capped: bool


class Vocabulary(Schema):
    items: list[VocabularyLabel]
    next: str


class NewLabel(RequestBody):
    """The name of a label or tag. An unknown name creates a tag."""

    name: Annotated[str, Field(max_length=1_000)]


class Decision(RequestBody):
    decision: Literal["confirmed", "rejected"]


class VerdictOut(Schema):
    label_id: int
    label: str
    decision: str
    by: str
    decided_at: Any


@router.get("/labels", response=FileLabels | Vocabulary, auth=READ, exclude_unset=True)
def list_labels(
    request: HttpRequest,
    *,
    cursor: CursorParam,
    limit: LimitParam,
    filename: Annotated[str, Query("", max_length=1_000, description="The labels of the image with this file name.")],
    confidences: Annotated[bool, Query(False, description="With `filename`: also the confidences.")],
    search: Annotated[str, Query("", max_length=100, description="Only labels with this in their name or an alias.")],
    kind: Annotated[str, Query("", max_length=12, description="Only labels of this kind, such as `tag`.")],
    parent: Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only children of this label.")] = None,
) -> dict[str, Any] | HttpResponse:
    """With `filename`, the labels of that image; otherwise the labels in use, by name."""
    if filename:
        return json_response(_labels_of_file(request, filename, has_confidences=confidences))
    return labels_in_use(request, cursor=cursor, limit=limit, search=search, kind=kind, parent=parent)


def labels_in_use(
    request: HttpRequest, *, cursor: str, limit: int, search: str = "", kind: str = "", parent: int | None = None
) -> dict[str, Any]:
    """A page of the labels that are on an image the user may see."""
    labels = Label.objects.filter(is_hidden=False, merged_into=None, image_count__gt=0)
    if search:
        labels = labels.filter(_named(search.replace("\x00", "")))
    if kind:
        labels = labels.filter(kind=kind.replace("\x00", ""))
    if parent is not None:
        labels = labels.filter(parents=parent)
    return vocabulary_page(request, labels, cursor=cursor, limit=limit, of=f"labels {parent} {kind} {search}")


def _labels_of_file(request: HttpRequest, filename: str, *, has_confidences: bool) -> dict[str, Any]:
    """The labels of the image with this file name.

    Of several, the caller's newest; else the newest.
    """
    viewer = permissions.viewer_of(request.user)
    image_id = filenames.image_id_of(filename.replace("\x00", ""), viewer=viewer)
    if image_id is None:
        raise ApiError(404, _("There is no image with this file name, or this token has no access to it."))
    labels = labels_of([image_id])[image_id]
    return {
        "filename": filename,
        "image_id": image_id,
        "labels": [
            {"Name": label["name"], "Confidence": label["confidence"]} if has_confidences else label["name"]
            for label in labels
        ],
    }


def _named(text: str) -> Q:
    # Subqueries, since joins would return a label with two such aliases twice.
    aliases = LabelAlias.objects.filter(name__icontains=text).values("label")
    return Q(name__icontains=text) | Q(pk__in=aliases)


def vocabulary_page(
    request: HttpRequest, labels: QuerySet[Label], *, cursor: str, limit: int, of: str
) -> dict[str, Any]:
    """A page of the labels that are on an image the user may see, by name."""
    viewer = permissions.viewer_of(request.user)
    rest = _after(labels, pagination.decode(cursor, of=of))
    frequencies = visible_labels.label_frequencies(viewer)
    if frequencies.is_exact:
        rest = {pk: name for pk, name in rest.items() if pk in frequencies.numbers}
    ids = list(rest)
    visible, looked_up = visible_labels.visible_labels(ids, viewer=viewer, among=frequencies, maximum=limit)
    rows = Label.objects.prefetch_related("parents", "aliases").in_bulk([row.label_id for row in visible])
    following = ids[looked_up - 1] if looked_up < len(ids) else None
    return {
        "items": [_vocabulary_label(rows[row.label_id], row) for row in visible],
        "next": pagination.encode(f"{following}/{rest[following]}", of=of) if following else "",
    }


def _after(labels: QuerySet[Label], position: str | None) -> dict[int, str]:
    """The names of the labels after this one, which may be gone, by id."""
    if position is not None:
        pk, _slash, name = position.partition("/")
        labels = labels.filter(Q(name__gt=name) | Q(name=name, pk__gt=int(pk)))
    return dict(labels.order_by("name", "pk").values_list("pk", "name"))


def _vocabulary_label(label: Label, visible: VisibleLabel) -> VocabularyLabel:
    return VocabularyLabel(
        id=label.pk,
        name=label.name,
        kind=label.kind,
        category=label.category,
        parents=sorted(parent.name for parent in label.parents.all()),
        aliases=sorted(alias.name for alias in label.aliases.all()),
        image_count=visible.count,
        is_count_capped=visible.is_capped,
    )


@router.get("/images/{int:image_id}/labels", response=list[LabelOut], auth=READ)
def list_image_labels(
    request: HttpRequest,
    image_id: int,
    boxes: Annotated[
        bool, Query(False, description="Also the boxes of each label. The response then has another ETag.")
    ],
) -> HttpResponse:
    """The labels and tags of an image, the highest confidence first, with an ETag."""
    image = permissions.get_image_or_404(request.user, image_id)
    labels = labels_of([image.pk], with_boxes=boxes)[image.pk]
    etag = etag_of({"labels": labels})
    return not_modified(etag) if is_unchanged(request, etag) else json_response(labels, etag=etag)


@router.post("/images/{int:image_id}/labels", response={201: LabelOut}, auth=WRITE)
def add_image_label(request: HttpRequest, image_id: int, label: NewLabel) -> HttpResponse:
    """Add a label by name, or a tag. Adding it again changes nothing."""
    with transaction.atomic():
        image = reviewable_image(request, image_id)
        verdict = verdicts.add(image.pk, name=label.name, by_id=token_of(request).user_id)
        # By its id, since the label may be merged into another one with another name.
        added = next((row for row in labels_of([image.pk])[image.pk] if row["id"] == verdict.label_id), None)
        if added is None:
            raise ActionRefused(_("“%(name)s” is hidden. Choose another name.") % {"name": label.name})
    return json_response(added, status=201)


@router.get("/images/{int:image_id}/verdicts", response=list[VerdictOut], auth=READ)
def list_verdicts(request: HttpRequest, image_id: int) -> list[VerdictOut]:
    """People's decisions about the image's labels, rejections included."""
    image = permissions.get_image_or_404(request.user, image_id)
    verdicts = image.verdicts.select_related("label", "by").order_by("label__name")
    return [
        VerdictOut(
            label_id=verdict.label_id,
            label=verdict.label.name,
            decision=verdict.decision,
            by=verdict.by.get_username(),
            decided_at=verdict.decided_at,
        )
        for verdict in verdicts
    ]


@router.put("/images/{int:image_id}/verdicts/{label_id}", response=list[LabelOut], auth=WRITE, url_name="verdict")
def set_verdict(request: HttpRequest, image_id: int, label_id: LabelId, verdict: Decision) -> list[LabelValues]:
    """Confirm or reject a label of the image, permanently. Returns the image's labels."""
    act = verdicts.confirm if verdict.decision == "confirmed" else verdicts.reject
    with transaction.atomic():
        image = reviewable_image(request, image_id)
        _require_label(image, label_id)
        act(image.pk, label_id=label_id, by_id=token_of(request).user_id)
    return labels_of([image.pk])[image.pk]


@router.delete("/images/{int:image_id}/verdicts/{label_id}", response={204: None}, auth=WRITE, url_name="verdict")
def clear_verdict(request: HttpRequest, image_id: int, label_id: LabelId) -> HttpResponse:
    """Clear the verdict, so that the analyses decide again."""
    with transaction.atomic():
        verdicts.clear(reviewable_image(request, image_id).pk, label_id=label_id, by_id=token_of(request).user_id)
    return HttpResponse(status=204)


def reviewable_image(request: HttpRequest, image_id: int) -> Image:
    """An image whose labels the caller may correct; locked for If-Match.

    For a transaction. Raises Http404, PermissionDenied, and ApiError for labels that changed since the ETag.
    """
    is_conditional = bool(request.headers.get("If-Match"))
    # Everyone who writes verdicts locks the picture first, so its labels cannot change after the check.
    get = permissions.lock_image_or_404 if is_conditional else permissions.get_image_or_404
    image = get(request.user, image_id)
    if not permissions.can_review_labels(request.user, image):
        raise PermissionDenied(permissions.NOT_CURATOR_MESSAGE)
    if is_conditional:
        require_match(request, etag_of({"labels": labels_of([image.pk])[image.pk]}))
    return image


def _require_label(image: Image, label_id: int) -> None:
    """Raises Http404 for a label the image neither has nor had."""
    has_label = ImageLabel.objects.filter(image=image, label=label_id).exists()
    if not (has_label or image.verdicts.filter(label=label_id).exists()):
        raise Http404
