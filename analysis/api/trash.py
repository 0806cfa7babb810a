"""Deleting pictures in the trash forever, with its progress."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.timezone import now
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema, Status
from ninja.decorators import decorate_view

from analysis import permissions, pipeline
from analysis.api.authentication import DELETE, READ, token_of
from analysis.api.errors import ApiError
from analysis.api.idempotency import idempotent
from analysis.api.request_body import MAX_ID, RequestBody, RowId
from analysis.curation import trash_deletion
from analysis.models import TrashDeletion

router = Router(tags=["Trash"])


class Deletion(RequestBody):
    """Pictures in your trash to delete forever: `image_ids`, or `all` of them.

    `confirm` is the number of these pictures in your trash. If it is wrong, nothing is deleted.
    """

    image_ids: Annotated[list[RowId], Field(max_length=trash_deletion.MAX_IDS)] = []
    all: bool = False
    confirm: Annotated[int, Field(ge=1, le=MAX_ID)]


class DeletionOut(Schema):
    """A deletion with its progress: `state` is open, done or canceled.

    `deleted` of `total` pictures are deleted, with `freed` bytes of originals. `waiting` pictures are still being
    analyzed.
    """

    id: int
    state: str
    total: int
    deleted: int
    waiting: int
    freed: int
    requested_at: datetime
    finished_at: datetime | None


@router.post("/trash/deletions", response={202: DeletionOut}, auth=DELETE)
@decorate_view(idempotent)
def delete_forever(request: HttpRequest, deletion: Deletion) -> Status[TrashDeletion]:
    """Delete pictures in your trash forever, in the background. This can't be undone.

    409 if `confirm` is not their number.
    """
    user = token_of(request).user
    if not permissions.can_delete_forever(user, owner_id=user.pk):
        raise PermissionDenied
    if bool(deletion.image_ids) == deletion.all:
        raise ApiError(422, _("Send either “image_ids” or “all”."), field="image_ids")
    chosen = TrashDeletion(
        person_id=user.pk,
        owner_id=user.pk,
        trashed_until=now(),  # pictures moved to the trash later are not deleted
        image_ids=None if deletion.all else list(dict.fromkeys(deletion.image_ids)),
    )
    return Status(202, pipeline.start_deletion(chosen, typed=deletion.confirm))


@router.get("/trash/deletions/{int:deletion_id}", response=DeletionOut, auth=READ)
def get_deletion(request: HttpRequest, deletion_id: int) -> TrashDeletion:
    """One of your deletions, with its progress."""
    return _own(request, deletion_id)


@router.post("/trash/deletions/{int:deletion_id}/cancel", response=DeletionOut, auth=DELETE)
def cancel_deletion(request: HttpRequest, deletion_id: int) -> TrashDeletion:
    """Stop a deletion; remaining pictures stay in the trash. 409 if it has ended."""
    deletion = _own(request, deletion_id)
    if not trash_deletion.cancel(deletion, by_id=token_of(request).user_id):
        raise ApiError(409, _("It has already finished."))
    return _own(request, deletion_id)


def _own(request: HttpRequest, deletion_id: int) -> TrashDeletion:
    return get_object_or_404(TrashDeletion, pk=deletion_id, person_id=token_of(request).user_id)
