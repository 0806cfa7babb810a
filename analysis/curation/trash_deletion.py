"""Requests to delete pictures in the trash forever, done in steps.

`pipeline/trash.py` deletes the pictures of a step with all that belongs to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis import audit_log, permissions
from analysis.curation.errors import ActionRefused
from analysis.formatting import count
from analysis.library.removal import Removed
from analysis.models import Analysis, AuditEntry, Image, ImageQuerySet, TrashDeletion

STEP_SIZE = 200
MAX_IDS = 10_000
RECENT = timedelta(days=7)
"""Time for which the page of the trash lists a finished deletion; the audit log keeps it longer."""
State = TrashDeletion.State
Remove = Callable[[ImageQuerySet, TrashDeletion], list[Removed]]


@dataclass(frozen=True)
class TrashSize:
    number: int
    bytes: int


def trash_of(owner_id: int) -> ImageQuerySet:
    """An owner's pictures in the trash."""
    return Image.objects.filter(owner_id=owner_id).exclude(trashed_at=None)


def size_of(images: ImageQuerySet) -> TrashSize:
    """Number of pictures and bytes of their originals."""
    sums = images.aggregate(number=Count("pk"), bytes=Sum("size"))
    return TrashSize(sums["number"] or 0, sums["bytes"] or 0)


def chosen_images(deletion: TrashDeletion) -> ImageQuerySet:
    """The pictures of a request that are still in the trash."""
    images = Image.objects.filter(trashed_at__lte=deletion.trashed_until)
    if deletion.owner_id is not None:
        images = images.filter(owner_id=deletion.owner_id)
    return images if deletion.image_ids is None else images.filter(pk__in=deletion.image_ids)


def request(deletion: TrashDeletion, *, typed: int | None = None, reason: str = "") -> TrashDeletion:
    """Save a request, and its entry in the audit log. The caller sends the task.

    Raises ActionRefused if there is nothing to delete, or another number of pictures than the person `typed`.
    """
    if deletion.image_ids is not None and len(deletion.image_ids) > MAX_IDS:
        raise ActionRefused(
            _("At most %(limit)s pictures can be selected individually. Empty the trash instead.")
            % {"limit": count(MAX_IDS)}
        )
    deletion.total = size_of(chosen_images(deletion)).number
    if not deletion.total:
        raise ActionRefused(_("These pictures are no longer in the trash."))
    if typed is not None and typed != deletion.total:
        raise ActionRefused(_("Incorrect number. Type %(number)s to confirm.") % {"number": count(deletion.total)})
    with transaction.atomic():
        details = {"reason": reason} if reason else {}
        entry = audit_log.record(AuditEntry.Action.DELETE, by_id=deletion.person_id, details=details)
        deletion.audit_entry_id = entry.pk
        deletion.save()
    return deletion


def request_expired(*, older_than: timedelta | None = None) -> TrashDeletion | None:
    """Request the deletion of pictures that have been in the trash for TRASH_DAYS.

    None if there are none, if the setting is 0, or while the last such request is in progress.
    """
    age = older_than or timedelta(days=settings.TRASH_DAYS)
    if not age or TrashDeletion.objects.filter(state=State.OPEN, person=None).exists():
        return None
    deletion = TrashDeletion(trashed_until=timezone.now() - age)
    if not chosen_images(deletion).exists():
        return None
    days = max(1, age.days)
    return request(deletion, reason=_("in the trash for %(days)s days") % {"days": count(days)})


def step(deletion_id: int, *, remove: Remove) -> bool:
    """Delete up to STEP_SIZE pictures; False if no more can be deleted now.

    May be killed or run twice: the rows of a step, its receipt and the counters are one transaction.
    """
    with transaction.atomic():
        # skip_locked, so that a second worker with the same message ends at once.
        open_ones = TrashDeletion.objects.select_for_update(skip_locked=True).filter(pk=deletion_id, state=State.OPEN)
        deletion = open_ones.first()
        if deletion is None:
            return False
        if not _is_allowed(deletion):
            _end(deletion, State.CANCELED)
            return False
        images = chosen_images(deletion)
        ids = list(images.exclude(_is_running()).order_by("trashed_at").values_list("pk", flat=True)[:STEP_SIZE])
        if not ids:
            return _finish(deletion, images)
        removed = remove(images.filter(pk__in=ids), deletion)
        receipts = [image.as_json() for image in removed]
        audit_log.record_images(deletion.audit_entry_id or 0, [image.image_id for image in removed], receipts=receipts)
        _own(deletion).update(
            deleted=F("deleted") + len(removed), freed=F("freed") + sum(image.freed for image in removed), waiting=0
        )
    return True


def cancel(deletion: TrashDeletion, *, by_id: int) -> bool:
    """Stop a deletion after its current step. False if it has already ended."""
    with transaction.atomic():
        # Waits for the current step, so that nothing is deleted after the page says that it was canceled.
        if not TrashDeletion.objects.select_for_update().filter(pk=deletion.pk, state=State.OPEN).first():
            return False
        _end(deletion, State.CANCELED)
        audit_log.record(AuditEntry.Action.CANCEL, deletion, by_id=by_id)
    return True


def pending_ids() -> list[int]:
    return list(TrashDeletion.objects.filter(state=State.OPEN).order_by("pk").values_list("pk", flat=True))


def expires_at(trashed_at: datetime) -> datetime | None:
    """Time after which a picture in the trash is deleted forever; None for never."""
    return trashed_at + timedelta(days=settings.TRASH_DAYS) if settings.TRASH_DAYS else None


def _is_running() -> Exists:
    # Its file may be in a request right now. Pictures in the trash are not sent again, so this ends soon.
    return Exists(Analysis.objects.filter(image=OuterRef("pk"), state=Analysis.State.RUNNING))


def _is_allowed(deletion: TrashDeletion) -> bool:
    """False if the user has lost the permission since, for example by deactivation."""
    if deletion.person_id is None:
        return True  # requested by imagelib or a command
    person = permissions.reload_user(deletion.person_id)
    return person is not None and permissions.can_delete_forever(person, owner_id=deletion.owner_id)


def _finish(deletion: TrashDeletion, images: ImageQuerySet) -> bool:
    """End the request, unless pictures wait for their analysis.

    Then the sweeper continues.
    """
    waiting = images.count()
    if waiting:
        _own(deletion).update(waiting=waiting)
    else:
        _end(deletion, State.DONE)
    return False


def _end(deletion: TrashDeletion, state: str) -> None:
    _own(deletion).update(state=state, finished_at=Now(), waiting=0)


def _own(deletion: TrashDeletion) -> QuerySet[TrashDeletion]:
    return TrashDeletion.objects.filter(pk=deletion.pk)
