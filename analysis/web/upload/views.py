"""Upload page: one or more files in a request, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import IO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from analysis import formatting, permissions, pipeline
from analysis.curation.errors import ActionRefused
from analysis.ingest.exclusions import SYSTEM_FOLDERS
from analysis.ingest.sidecar import is_sidecar, sidecar_names
from analysis.ingest.validation import InvalidImage, clean_name, megabytes
from analysis.ingest.xmp import MAX_BYTES, parse_packet
from analysis.library.uploads import Target
from analysis.models import Image
from analysis.search.query import Query
from analysis.search.terms.ids import IdTerm, joined
from analysis.storage import blobs
from analysis.web import links
from analysis.web.http import Request, current_user_id, id_list_param, is_fragment
from analysis.web.library.cards import DONE, FAILED, QUEUED, RUNNING, Card, cards
from analysis.web.upload.targets import choices, target_of

MAX_STATES = 200
STATUS_LABELS: dict[str, str | Promise] = {
    QUEUED: gettext_lazy("Queued"),
    RUNNING: gettext_lazy("Analyzing"),
    FAILED: gettext_lazy("Analysis failed"),
}


@dataclass(frozen=True)
class UploadOutcome:
    """Result for one file: its image, or an error that may be temporary.

    `sentence` is the error, or why the image is not in the collection.
    """

    name: str
    image: Image | None = None
    is_new: bool = False
    sentence: str = ""
    may_retry: bool = False


@dataclass(frozen=True)
class UploadRow:
    """An outcome for the template; `upload_id` is set for a direct upload."""

    kind: str  # stored, duplicate, trashed, refused, checking
    name: str
    message: str
    may_retry: bool = False
    upload_id: str = ""
    card: Card | None = None
    status: str = ""
    is_pending: bool = False
    """Its analysis is in progress, so the row is polled."""


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: Request) -> HttpResponse:
    """The page; a POST imports files and reports on each."""
    permissions.require_upload_images(request.user)
    context: dict[str, object] = {"limits": limits(), "target": choices(request)}
    if request.method != "POST":
        return render(request, "upload/index.html", context)
    try:
        target = target_of(request)
    except ActionRefused as refusal:
        return render(request, "upload/index.html", context | {"error": str(refusal)}, status=422)
    outcomes = import_files(request.FILES.getlist("files"), owner_id=current_user_id(request), target=target)
    context |= {"target": choices(request, chosen=target)}
    context |= {"rows": upload_rows(outcomes), "reports": True, "summary": summary(outcomes)}
    context["shown_url"] = shown_url(outcomes)
    return render(request, "upload/index.html#rows" if is_fragment(request) else "upload/index.html", context)


@require_safe
def upload_state(request: Request) -> HttpResponse:
    """Those of the rows, given as `id-version`, that have changed or are in the trash."""
    versions = id_list_param(request.GET.getlist("id"), maximum=MAX_STATES)
    images = Image.objects.visible_to(permissions.viewer_of(request.user)).in_bulk(list(versions))
    current = upload_rows([UploadOutcome(str(image), image, is_new=True) for image in images.values()])
    changed = [row for row in current if row.card and row.card.version != versions[int(row.card.id)]]
    return render(request, "upload/index.html#rows", {"rows": changed + _trashed_rows(request, versions, images)})


def _trashed_rows(request: Request, requested_ids: Iterable[int], visible_ids: Container[int]) -> list[UploadRow]:
    """Rows of pictures that the user moved to the trash since."""
    missing = [pk for pk in requested_ids if pk not in visible_ids]
    if not missing:
        return []
    own = Image.objects.filter(owner_id=current_user_id(request)).exclude(trashed_at=None)
    images = list(own.filter(pk__in=missing))
    return [
        UploadRow("stored", str(image), _("Moved to the trash"), card=card)
        for image, card in zip(images, cards(images), strict=True)
    ]


def limits() -> dict[str, str]:
    """Limits that the browser checks before it sends a file."""
    return {
        # As text without separators, for JavaScript: the template would write 104,857,600.
        "max_bytes": str(settings.MAX_UPLOAD_BYTES),
        "max_size": megabytes(settings.MAX_UPLOAD_BYTES),
        "system_folders": "/".join(SYSTEM_FOLDERS),
    }


def import_files(files: Iterable[UploadedFile[bytes]], *, owner_id: int, target: Target) -> list[UploadOutcome]:
    """Import pictures, each with the XMP file of the same name if that was sent, too."""
    named = [(file.name or "", file) for file in files]
    sidecars = {name: file for name, file in named if is_sidecar(name)}
    outcomes, unused = [], set(sidecars)
    for name, file in named:
        if name not in sidecars:
            beside = next((sidecar for sidecar in sidecar_names(name) if sidecar in sidecars), "")
            unused.discard(beside)
            sidecar = sidecars.get(beside)
            outcomes.append(import_file(file, name=name, owner_id=owner_id, target=target, sidecar=sidecar))
    alone = _("No picture with the same name was chosen with it. Choose both together.")
    return outcomes + [UploadOutcome(clean_name(name), sentence=alone) for name in sorted(unused)]


def import_file(
    file: IO[bytes], *, name: str, owner_id: int, target: Target, sidecar: UploadedFile[bytes] | None = None
) -> UploadOutcome:
    """Import one file; an invalid file or a storage error becomes its outcome."""
    metadata = None
    if sidecar:
        sidecar.seek(0)  # it may belong to several pictures and have been read already
        metadata = parse_packet(sidecar.read(MAX_BYTES + 1))
    try:
        added, note = pipeline.upload_file(file, name=name, owner_id=owner_id, target=target, sidecar=metadata)
    except InvalidImage as error:
        return UploadOutcome(error.name, sentence=formatting.translated(error))
    except blobs.StorageError as error:
        return UploadOutcome(clean_name(name), sentence=str(error), may_retry=True)
    return UploadOutcome(clean_name(name), added.image, is_new=added.is_new, sentence=note)


def upload_rows(outcomes: list[UploadOutcome]) -> list[UploadRow]:
    by_id = {card.id: card for card in cards([outcome.image for outcome in outcomes if outcome.image])}
    return [_row(outcome, by_id) for outcome in outcomes]


def summary(outcomes: list[UploadOutcome]) -> str:
    """Counts of the outcomes in one line."""
    if not outcomes:
        return _("No files arrived. Choose pictures and upload them again.")
    new = sum(outcome.is_new for outcome in outcomes)
    refused = sum(outcome.image is None for outcome in outcomes)
    trashed = sum(_is_trashed(outcome) for outcome in outcomes)
    present = len(outcomes) - new - refused - trashed
    counts = [
        (new, ngettext("%(number)s picture added", "%(number)s pictures added", new)),
        (present, ngettext("%(number)s already in your library", "%(number)s already in your library", present)),
        (trashed, ngettext("%(number)s already in the trash", "%(number)s already in the trash", trashed)),
        (refused, ngettext("%(number)s rejected", "%(number)s rejected", refused)),
    ]
    return f"{', '.join(formatting.plural(text, number) for number, text in counts if number)}."


def shown_url(outcomes: list[UploadOutcome]) -> str:
    """URL of a search for these pictures; empty if none is in the library."""
    images = [outcome.image for outcome in outcomes if outcome.image and not _is_trashed(outcome)]
    if not images:
        return ""
    ids = IdTerm(joined((image.pk, image.pk) for image in images))
    return links.library_url(Query((ids,), sort="newest"))


def _row(outcome: UploadOutcome, by_id: dict[str, Card]) -> UploadRow:
    if outcome.image is None:
        return UploadRow("refused", outcome.name, outcome.sentence, outcome.may_retry)
    card = by_id[str(outcome.image.pk)]
    labels = ", ".join(card.labels) or (_("No labels found") if card.state == DONE else "")
    labels = " · ".join(filter(None, [outcome.sentence, labels]))
    if _is_trashed(outcome):
        return UploadRow("trashed", outcome.name, _("Already in the trash"), card=card)
    if not outcome.is_new:
        return UploadRow(
            "duplicate",
            outcome.name,
            " · ".join(filter(None, [_("Already in your library"), labels])),
            card=card,
            is_pending=card.is_pending,
        )
    status = str(STATUS_LABELS.get(card.state, ""))
    return UploadRow("stored", outcome.name, labels, card=card, status=status, is_pending=card.is_pending)


def _is_trashed(outcome: UploadOutcome) -> bool:
    """True if the picture was already in the library, but in the trash."""
    return outcome.image is not None and not outcome.is_new and outcome.image.trashed_at is not None
