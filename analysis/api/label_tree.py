"""The tree of labels: those at the top, and those directly below a label."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema

from analysis import permissions
from analysis.api.authentication import READ
from analysis.api.labels import MAX_ID, VocabularyLabel, vocabulary_page
from analysis.api.pagination import CursorParam, LimitParam
from analysis.models import Label
from analysis.search import label_tree, visible_labels

router = Router(tags=["Labels"])


class TreeLabel(VocabularyLabel):
    """A label in the tree; `has_children` if there are narrower labels."""

    has_children: bool


class LabelTree(Schema):
    items: list[TreeLabel]
    next: str


@router.get("/labels/tree", response=LabelTree, auth=READ)
def list_tree(
    request: HttpRequest,
    *,
    cursor: CursorParam,
    limit: LimitParam,
    parent: Annotated[int | None, Query(ge=1, le=MAX_ID, description="The labels directly below this one.")] = None,
) -> dict[str, Any]:
    """The labels directly below `parent`, by name.

    Without it, the labels at the top that have others below them.
    """
    viewer = permissions.viewer_of(request.user)
    active = Label.objects.filter(is_hidden=False, merged_into=None)
    if parent is not None:
        # Checked, since its children would reveal a label that is only on other people's pictures.
        is_active = active.filter(pk=parent).exists()
        if not is_active or not visible_labels.label_visibility(viewer).visible([parent], maximum=1):
            raise Http404
        labels = active.filter(pk__in=label_tree.child_ids(parent))
    else:
        labels = active.filter(pk__in=label_tree.root_ids(), kind=Label.Kind.LABEL)
    page = vocabulary_page(request, labels, cursor=cursor, limit=limit, of=f"label tree {parent}")
    frequencies = visible_labels.label_frequencies(viewer)
    among = frequencies.numbers if frequencies.is_exact else None
    with_children = label_tree.ids_with_descendants([label.id for label in page["items"]], among=among)
    items = [TreeLabel(**label.model_dump(), has_children=label.id in with_children) for label in page["items"]]
    return {"items": items, "next": page["next"]}
