"""Uploads past the web server: leave to send one file, and a look at what arrived before it becomes a picture."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis.ingest.service import examine
from analysis.ingest.validation import InvalidImage, clean_name, megabytes
from analysis.library import images
from analysis.models import Image, Upload
from analysis.storage import blobs, renditions

State = Upload.State
SPELL = 60.0
CLAIM = timedelta(minutes=2)
MAX_ATTEMPTS = 5
HASHED = 64
KEPT = timedelta(days=1)
"""How long a ticket that is over is remembered."""


class UploadRefused(Exception):
    """A ticket is not what it is taken for; str() is a sentence. `status` is HTTP's."""

    def __init__(self, reason: str, *, status: int) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class UploadError:
    """What arrived is not what was declared; another try may help."""

    reason: str
    may_retry: bool = True


def issue(*, owner_id: int, filename: str, size: int, sha256: str = "") -> Upload:
    """Leave for one person to send one file of so many bytes. Raises Rejected for what need not be sent.

    Raises Refused while too many of their uploads are in progress.
    """
    limits, name = renditions.limits(), clean_name(filename)
    if size < 1:
        raise InvalidImage("empty", name, "the file is empty")
    if size > limits.max_bytes:
        raise InvalidImage("too-large", name, f"{megabytes(size)} is over the limit of {megabytes(limits.max_bytes)}")
    _require_room(owner_id, size)
    ticket = Upload(owner_id=owner_id, filename=name, size=size, key=blobs.upload_key(uuid.uuid4()))
    ticket.sha256 = sha256 if len(sha256) == HASHED else ""
    lifetime = timedelta(seconds=settings.UPLOAD_TICKET_SECONDS)
    with transaction.atomic():
        ticket.expires_at = Now() + lifetime
        ticket.save(force_insert=True)
        blobs.register_pending([ticket.key], ahead=lifetime)
    return ticket


def receive(ticket_id: uuid.UUID, content: IO[bytes], *, owner_id: int) -> None:
    """Bytes that come to us, where the storage takes none from browsers. Raises Refused or blobs.StorageFailed."""
    ticket = _open_ticket(ticket_id, owner_id=owner_id)
    if ticket.state != State.ISSUED:
        raise UploadRefused("It has arrived already; send the file once more to begin anew.", status=409)
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    if size != ticket.size:
        wrong = _wrong_size(size, ticket)
        _refuse(ticket, wrong)
        raise UploadRefused(wrong.reason, status=400)
    blobs.put(ticket.key, content)


def mark_uploaded(ticket_id: uuid.UUID, *, owner_id: int) -> Upload:
    """The browser says that everything is there. Safe to say again. Raises Refused."""
    ticket = _open_ticket(ticket_id, owner_id=owner_id)
    if ticket.state == State.ISSUED:
        Upload.objects.filter(pk=ticket.pk, state=State.ISSUED).update(state=State.ARRIVED, next_attempt_at=Now())
        ticket.refresh_from_db()
    return ticket


def mark_uploaded_by_key(keys: list[str]) -> int:
    """The storage says that bytes have come under these keys: completes what no browser did. Answers how many."""
    waiting = Upload.objects.filter(key__in=keys, state=State.ISSUED, expires_at__gt=Now())
    return waiting.update(state=State.ARRIVED, next_attempt_at=Now())


def is_due() -> bool:
    return Upload.objects.filter(state=State.ARRIVED, next_attempt_at__lte=Now()).exists()


def validate_pending(*, then: Callable[[Image], None]) -> bool:
    """Look at what arrived until nothing is left; True when it ended with work left."""
    end = time.monotonic() + SPELL
    while time.monotonic() < end:
        if not validate_upload(then=then):
            return False
    return True


def validate_upload(ticket_id: uuid.UUID | None = None, *, then: Callable[[Image], None]) -> bool:
    """Look at one upload that arrived: it becomes a picture, or is refused with a sentence. False if there was none."""
    ticket = _claim(ticket_id)
    if ticket is None:
        return False
    if ticket.attempts > MAX_ATTEMPTS:  # put back by nobody: it kills whoever looks at it
        _refuse(ticket, UploadError("each worker that looked at it stopped before it was done", may_retry=False))
        return True
    try:
        _validate(ticket, then)
    except blobs.BlobMissing:
        _refuse(ticket, UploadError("nothing arrived; send it again"))
    except InvalidImage as rejection:
        _refuse(ticket, UploadError(rejection.reason, may_retry=False))
    except blobs.StorageError as failure:
        _put_back(ticket, failure)
    return True


def sweep() -> None:
    """Forget tickets that have been over for a day; their bytes go with `blobs.sweep`."""
    over = ~Q(state=State.ARRIVED)
    Upload.objects.filter(over, expires_at__lt=Now() - KEPT).delete()


def _open_ticket(ticket_id: uuid.UUID, *, owner_id: int) -> Upload:
    """Somebody else's is told like one that was never issued."""
    ticket = Upload.objects.filter(pk=ticket_id, owner_id=owner_id).annotate(is_late=Q(expires_at__lte=Now())).first()
    if ticket is None:
        raise UploadRefused("There is no such upload; send the file again.", status=404)
    if ticket.state == State.ISSUED and ticket.is_late:
        raise UploadRefused("It took too long and its time is over; send the file again.", status=410)
    return ticket


def _require_room(owner_id: int, size: int) -> None:
    is_open = Q(state=State.ARRIVED) | Q(state=State.ISSUED, expires_at__gt=Now())
    mine = Upload.objects.filter(is_open, owner_id=owner_id).aggregate(number=Count("pk"), size=Sum("size"))
    if mine["number"] >= settings.MAX_OPEN_UPLOADS:
        sentence = _("%(number)s of your uploads are still in progress. Wait for some to finish, then send this again.")
        raise UploadRefused(sentence % {"number": f"{mine['number']:,}"}, status=429)
    if (mine["size"] or 0) + size > settings.MAX_OPEN_UPLOAD_BYTES:
        sentence = _("Uploads of %(size)s are still in progress. Wait for some to finish, then send this file again.")
        raise UploadRefused(sentence % {"size": megabytes(mine["size"] or 0)}, status=429)


def _wrong_size(size: int, ticket: Upload) -> UploadError:
    return UploadError(f"{size:,} bytes arrived and {ticket.size:,} were declared; send it again")


def _claim(ticket_id: uuid.UUID | None) -> Upload | None:
    due = Upload.objects.filter(state=State.ARRIVED, next_attempt_at__lte=Now())
    due = due.filter(pk=ticket_id) if ticket_id else due.order_by("next_attempt_at")
    with transaction.atomic():
        ticket = due.select_for_update(skip_locked=True).first()
        if ticket is None:
            return None
        ticket.attempts += 1
        Upload.objects.filter(pk=ticket.pk).update(attempts=F("attempts") + 1, next_attempt_at=Now() + CLAIM)
    return ticket


def _validate(ticket: Upload, then: Callable[[Image], None]) -> None:
    size = blobs.size(ticket.key)
    if size != ticket.size:
        _refuse(ticket, _wrong_size(size, ticket))
        return
    with blobs.get(ticket.key) as file:
        examined = examine(file, name=ticket.filename, limits=renditions.limits())
        if ticket.sha256 and examined.sha256 != ticket.sha256:
            _refuse(ticket, UploadError("it was changed on its way; send it again"))
            return

        def take(image: Image) -> None:
            then(image)
            _take(ticket, image, is_new=True)

        added = images.add(examined, file, owner_id=ticket.owner_id, then=take, arrived_as=ticket.key)
    if not added.is_new:
        _take(ticket, added.image, is_new=False)
    blobs.erase(ticket.key)


def _take(ticket: Upload, image: Image, *, is_new: bool) -> None:
    Upload.objects.filter(pk=ticket.pk).update(state=State.TAKEN, image=image, is_new=is_new)


def _refuse(ticket: Upload, wrong: UploadError) -> None:
    Upload.objects.filter(pk=ticket.pk).update(state=State.REFUSED, reason=wrong.reason, may_retry=wrong.may_retry)
    blobs.erase(ticket.key)


def _put_back(ticket: Upload, failure: blobs.StorageError) -> None:
    if ticket.attempts >= MAX_ATTEMPTS:
        _refuse(ticket, UploadError(str(failure)))
        return
    Upload.objects.filter(pk=ticket.pk).update(next_attempt_at=Now() + timedelta(seconds=2**ticket.attempts))
