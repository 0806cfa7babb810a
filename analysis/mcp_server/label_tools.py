"""Tools for labels: names in use, their tree, corrections on a picture."""

from __future__ import annotations

from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field

from analysis import permissions
from analysis.api import label_tree, labels
from analysis.api.authentication import require_scope, token_of
from analysis.api.errors import ApiError
from analysis.api.image_labels import LabelValues, labels_of
from analysis.api.labels import Decision, LabelId, NewLabel
from analysis.api.request_body import RequestBody, RowId
from analysis.mcp_server.search_tools import CursorText
from analysis.mcp_server.tool import Tool, ToolResult
from imagelib.accounts.models import ApiToken

MAX_CHANGES = 50
Limit = Annotated[int, Field(ge=1, le=200)]


class FindLabels(RequestBody):
    name: Annotated[str, Field(max_length=100, description="Only labels whose name contains this.")] = ""
    kind: Annotated[str, Field(max_length=12, description="Only labels of this kind, such as “tag”.")] = ""
    cursor: CursorText = ""
    limit: Limit = 50


class BrowseTree(RequestBody):
    parent: Annotated[
        LabelId | None, Field(description="Labels directly below this one; without it, those at the top.")
    ] = None
    cursor: CursorText = ""
    limit: Limit = 50


class Correction(RequestBody):
    """Corrections of the labels of one picture."""

    image_id: RowId
    confirm: Annotated[list[LabelId], Field(max_length=MAX_CHANGES, description="Ids of labels that are right.")] = []
    reject: Annotated[list[LabelId], Field(max_length=MAX_CHANGES, description="Ids of labels that are wrong.")] = []
    add: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=1_000)]],
        Field(max_length=MAX_CHANGES, description="Names of labels or tags to add; a new name creates a tag."),
    ] = []
    apply: Annotated[bool, Field(description="If false, the changes are only previewed.")] = False


def find_labels(request: HttpRequest, arguments: FindLabels) -> ToolResult:
    page = labels.labels_in_use(
        request, cursor=arguments.cursor, limit=arguments.limit, search=arguments.name, kind=arguments.kind
    )
    return ToolResult({**page, "items": [item.model_dump() for item in page["items"]]})


def browse_labels(request: HttpRequest, arguments: BrowseTree) -> ToolResult:
    page = label_tree.list_tree(request, cursor=arguments.cursor, limit=arguments.limit, parent=arguments.parent)
    return ToolResult({**page, "items": [item.model_dump() for item in page["items"]]})


def correct_labels(request: HttpRequest, arguments: Correction) -> ToolResult:
    """Show what a correction changes, or apply it as a whole."""
    if not (arguments.confirm or arguments.reject or arguments.add):
        raise ApiError(422, _("Provide at least one label to confirm, reject or add."))
    if both := sorted(set(arguments.confirm) & set(arguments.reject)):
        message = _("Label %(number)s is both confirmed and rejected.") % {"number": both[0]}
        raise ApiError(422, message, field="reject")
    if arguments.apply:
        require_scope(token_of(request), ApiToken.Scope.WRITE)
    image_id = permissions.get_image_or_404(request.user, arguments.image_id).pk
    before = labels_of([image_id])[image_id]
    # All or nothing, since a partial correction would be mistaken for a complete one.
    with transaction.atomic():
        _correct(request, arguments)
        after = labels_of([image_id])[image_id]
        if not arguments.apply:
            # A proposal makes the changes and rolls them back, so that it shows the same errors and results.
            transaction.set_rollback(True)
    return ToolResult({"is_applied": arguments.apply, "before": _names(before), "after": _names(after)})


def _correct(request: HttpRequest, arguments: Correction) -> None:
    for decision, ids in (("confirmed", arguments.confirm), ("rejected", arguments.reject)):
        for label_id in ids:
            labels.set_verdict(request, arguments.image_id, label_id, Decision.model_validate({"decision": decision}))
    for name in arguments.add:
        labels.add_image_label(request, arguments.image_id, NewLabel(name=name))


def _names(rows: list[LabelValues]) -> list[dict[str, Any]]:
    return [
        {"id": label["id"], "name": label["name"], "kind": label["kind"]}
        | {"confidence": label["confidence"], "verdict": label["verdict"]}
        for label in rows
    ]


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "find_labels",
        "Labels and tags in use, by name, with their numbers of pictures.",
        FindLabels,
        ApiToken.Scope.READ,
        find_labels,
    ),
    Tool(
        "browse_labels",
        "The tree of labels: the top, or the labels directly below one of them.",
        BrowseTree,
        ApiToken.Scope.READ,
        browse_labels,
    ),
    Tool(
        "correct_labels",
        "Confirm, reject or add labels and tags of one picture. Without apply it only shows what would change, so that "
        "a person can agree first.",
        Correction,
        ApiToken.Scope.READ,
        correct_labels,
        is_read_only=False,
    ),
)
