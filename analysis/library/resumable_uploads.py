"""Large files that browsers send to S3 in parts, and resume."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.library.uploads import UploadRefused, find_open
from analysis.models import PendingBlob, Upload
from analysis.storage import blobs, multipart

LIFETIME = timedelta(days=1)
"""Time to send all parts; the bucket's lifecycle rule deletes them a day later."""
MAX_PARTS = 10_000  # S3's maximum
MAX_URLS = 100
"""URLs of parts signed per request."""
MAX_ABORTED = 100
State = Upload.State


@dataclass(frozen=True)
class Parts:
    """The parts of an upload: bytes of each part but the last, and the arrived parts."""

    size: int
    arrived: list[int]


def is_needed(size: int) -> bool:
    """True for a file so large that it is sent in parts, if the storage supports that."""
    return size > settings.MULTIPART_UPLOAD_BYTES and multipart.is_supported()


def start(upload: Upload) -> None:
    """Begin to send an issued upload in parts. Raises StorageError."""
    # A very large file has larger parts, since their number is limited.
    upload.part_size = max(settings.MULTIPART_PART_BYTES, -(-upload.size // MAX_PARTS))
    upload.multipart_id = multipart.start(upload.key)
    Upload.objects.filter(pk=upload.pk).update(
        multipart_id=upload.multipart_id, part_size=upload.part_size, expires_at=Now() + LIFETIME
    )
    # The sweeper keeps the key for as long as parts can be sent.
    PendingBlob.objects.filter(key=upload.key).update(since=Now() + LIFETIME)


def parts_of(upload: Upload) -> Parts:
    """The parts that arrived completely. Raises StorageError."""
    try:
        uploaded = multipart.uploaded(upload.key, upload.multipart_id)
    except blobs.BlobMissing:  # deleted, for example by the bucket's lifecycle rule
        start(upload)
        uploaded = {}
    return Parts(
        upload.part_size or upload.size,
        [number for number, part in uploaded.items() if part.size == _size_of_part(upload, number)],
    )


def part_urls(upload_id: uuid.UUID, numbers: Iterable[int], *, owner_id: int) -> dict[int, str]:
    """URLs to send parts to; invalid part numbers are left out.

    Raises UploadRefused or StorageError.
    """
    upload = find_open(upload_id, owner_id=owner_id)
    if not upload.multipart_id:
        raise UploadRefused(_("This file was already uploaded. Start a new upload to send it again."), status=409)
    valid = [number for number in dict.fromkeys(numbers) if _size_of_part(upload, number)]
    return {
        number: multipart.part_url(
            upload.key,
            upload.multipart_id,
            number=number,
            size=_size_of_part(upload, number),
            seconds=settings.UPLOAD_TICKET_SECONDS,
        )
        for number in valid[:MAX_URLS]
    }


def assemble(upload: Upload) -> None:
    """Assemble the file from its parts, if all have arrived.

    Repeating it has no effect. Raises UploadRefused or StorageError.
    """
    if not upload.multipart_id or upload.state != State.ISSUED:
        return
    try:
        uploaded = multipart.uploaded(upload.key, upload.multipart_id)
    except blobs.BlobMissing:
        # Already assembled, by a request whose response was lost. The file's size is checked later, like any other's.
        uploaded = {}
        if not blobs.exists(upload.key):
            raise UploadRefused(_("This upload expired. Please send the file again."), status=410) from None
    else:
        # By the parts that S3 lists. What a browser reports is not trusted.
        _check_complete(upload, {number: part.size for number, part in uploaded.items()})
        multipart.complete(upload.key, upload.multipart_id, uploaded)
    Upload.objects.filter(pk=upload.pk).update(multipart_id="")


def abort(upload_id: uuid.UUID, *, owner_id: int) -> None:
    """Abort an upload that was not completed, and delete its parts.

    Raises UploadRefused or StorageError.
    """
    upload = find_open(upload_id, owner_id=owner_id)
    if Upload.objects.filter(pk=upload.pk, state=State.ISSUED).update(expires_at=Now()) and upload.multipart_id:
        _abort(upload)


def abort_expired() -> None:
    """Delete the parts of uploads that were not completed in time."""
    expired = Upload.objects.filter(expires_at__lt=Now()).exclude(multipart_id="")
    for upload in expired.order_by("expires_at")[:MAX_ABORTED]:
        try:
            _abort(upload)
        except blobs.StorageError:
            continue  # the next run tries again, and the bucket's rule deletes them in any case


def _abort(upload: Upload) -> None:
    multipart.abort(upload.key, upload.multipart_id)
    Upload.objects.filter(pk=upload.pk).update(multipart_id="")


def _check_complete(upload: Upload, sizes: dict[int, int]) -> None:
    """Raises UploadRefused unless all parts have arrived, each with its size."""
    expected = {number: _size_of_part(upload, number) for number in range(1, _number_of_parts(upload) + 1)}
    if sizes == expected:
        return
    sentence = _("%(received)s of %(expected)s arrived; please send it again")
    values = {
        "received": formatting.exact_filesize(sum(sizes.values())),
        "expected": formatting.exact_filesize(upload.size),
    }
    raise UploadRefused(sentence % values, status=409)


def _number_of_parts(upload: Upload) -> int:
    return -(-upload.size // (upload.part_size or upload.size))


def _size_of_part(upload: Upload, number: int) -> int:
    """Bytes of a part; 0 for an invalid number."""
    size = upload.part_size or upload.size
    return max(0, min(size, upload.size - (number - 1) * size)) if number > 0 else 0
