"""Reads bucket objects that wait to be imported.

Events and syncs only queue an object; its present state is read here. So events may come twice, late, or in any order.
"""

from __future__ import annotations

import logging
import random
import tempfile
import threading
from datetime import timedelta
from typing import IO

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis import leases
from analysis.aws import s3_objects
from analysis.aws.errors import AWSError, EndpointUnreachable, MissingCredentials
from analysis.aws.object_refs import S3Object
from analysis.aws.s3_objects import ObjectInfo
from analysis.bucket_sync import object_import, sidecars
from analysis.bucket_sync.object_import import NoImage, Outcome, Unchanged
from analysis.formatting import translated
from analysis.ingest.decoding_service import examine
from analysis.ingest.examine import Examined
from analysis.ingest.file_date import modified_before_upload, with_file_date
from analysis.ingest.sidecar import with_sidecar
from analysis.ingest.validation import InvalidImage, check_size
from analysis.messages import gettext_noop
from analysis.models import Bucket, BucketObject
from analysis.storage import blobs, originals, renditions

logger = logging.getLogger(__name__)

SLOTS = threading.BoundedSemaphore(2)
"""Importers per process: decoding for two uses two cores, and more would delay recognition."""
LEASE = timedelta(minutes=5)
ARCHIVED = "InvalidObjectState"
COMPRESSED_CODES = frozenset({"archive", "not-an-image"})
"""Codes of InvalidImage for compressed bytes. The header alone is not enough, since some images have it by mistake."""
MAX_PROBES = 3
"""Imported objects that are requested again, to distinguish a denied object from a denied bucket."""
MIN_DENIED = 3
"""Number of denied objects after which a bucket without any readable object counts as denied."""
PAUSE = timedelta(seconds=60)
"""Pause of a bucket that denies everything: credentials, permissions, network."""
SLOW_DOWN_PAUSE = timedelta(seconds=2)
State = BucketObject.State


def due_buckets(*, after: int = 0) -> list[int]:
    """Ids of buckets with objects to read now, in turns: those after `after` first."""
    # EXISTS reads one row of each bucket, while a large one may have millions that are due.
    due = leases.due(BucketObject.objects.filter(bucket=OuterRef("pk"), state=State.WAITING))
    active = Bucket.objects.filter(Q(paused_until=None) | leases.has_passed("paused_until"))
    return sorted(active.filter(Exists(due)).values_list("pk", flat=True), key=lambda pk: (pk <= after, pk))


def claim(bucket_id: int) -> BucketObject | None:
    """Claim the next object to read."""
    waiting = BucketObject.objects.filter(_bucket_is_active(), bucket_id=bucket_id, state=State.WAITING)
    return leases.claim(waiting.select_related("bucket__owner", "image"), lease=LEASE)


def read(row: BucketObject) -> Outcome | None:
    """Download and examine a claimed object.

    None if it failed or has to wait, which is recorded.
    """
    try:
        return _read(row)
    except AWSError as error:
        if _is_gone(error):
            return object_import.gone()
        _postpone(row, error)
    except blobs.StorageError as error:
        _release(row, code="storage", reason=str(error))
    except OSError as error:  # usually the disk of temporary files is full
        _release(row, code="storage", reason=error.strerror or str(error))
    return None


def _read(row: BucketObject) -> Outcome | None:
    if row.attempts > leases.MAX_ATTEMPTS:  # no attempt was ended by its worker, so this object kills workers
        _release(row, code="worker-lost", reason=_("Every worker that tried to read it stopped unexpectedly."))
        return None
    info = object_import.NO_OBJECT
    try:
        # Downloaded first, since decoders seek in most formats, and each seek would be a request.
        with tempfile.SpooledTemporaryFile(max_size=originals.IN_MEMORY) as file:
            info = s3_objects.download(
                originals.client_of(row.bucket),
                S3Object(row.bucket.name, row.key),
                into=file,
                maximum=renditions.limits().max_bytes,
            )
            _clear_pause(row.bucket)
            sidecar = sidecars.read(row)
            if _is_unchanged(row, info) and sidecar.was_read_with(row):
                return Unchanged(info)
            examined = with_sidecar(_examine(row, info, file), sidecar.metadata)
            modified = modified_before_upload(info.metadata, zone=timezone.get_current_timezone())
            examined = with_file_date(examined, modified, now=timezone.now())
            return object_import.store_renditions(examined, info, sidecar)
    except InvalidImage as error:
        return NoImage(State.REFUSED, error.code, translated(error), info)


def _bucket_is_active() -> Q:
    return Q(bucket__paused_until=None) | leases.has_passed("bucket__paused_until")


def _is_unchanged(row: BucketObject, info: ObjectInfo) -> bool:
    image = row.image
    is_same = image is not None and (image.etag, image.version_id) == (info.etag, info.version_id)
    return is_same and not object_import.was_trashed_as_missing(row)


def _examine(row: BucketObject, info: ObjectInfo, file: IO[bytes]) -> Examined:
    limits = renditions.limits()
    if info.size > limits.max_bytes:  # its bytes were not downloaded
        check_size(info.size, name=row.key, limits=limits)
    try:
        turns = row.image.quarter_turns if row.image else 0
        return examine(file, name=row.key, limits=limits, turns=turns)
    except InvalidImage as error:
        # S3 never decompresses: Content-Encoding is only a header for browsers, so the decoder would get the gzip
        # stream.
        if info.encoding and error.code in COMPRESSED_CODES:
            template = gettext_noop(
                "it is stored compressed (Content-Encoding: %(encoding)s); upload an uncompressed copy to the bucket"
            )
            raise InvalidImage("compressed", error.name, template, encoding=info.encoding) from error
        raise


def _is_gone(error: AWSError) -> bool:
    # S3 returns 404 for a missing object and a missing bucket, but pictures of a misspelled bucket must not be trashed.
    return error.is_absent and error.code != "NoSuchBucket"


def _postpone(row: BucketObject, error: AWSError) -> None:
    """Schedule another attempt, and pause the bucket if all its objects would fail."""
    bucket = row.bucket
    if error.code == "NoSuchBucket":
        _pause(bucket, originals.no_bucket(bucket.name), PAUSE)
        _release(row, code=error.code, reason=translated(error), is_counted=False)
    # 503 SlowDown depends on prefix and request rate. Jitter, so that workers do not come back at the same time.
    elif error.is_slow_down:
        _pause(bucket, "", SLOW_DOWN_PAUSE * random.uniform(1, 2))
        _release(row, code=error.code, reason=translated(error), is_counted=False)
    elif error.code == ARCHIVED:
        reason = _("It is archived. Restore it in S3, then retry.")
        _release(row, code=error.code, reason=reason, is_final=True)
    elif isinstance(error, MissingCredentials | EndpointUnreachable):
        _pause(bucket, translated(error), PAUSE)
        _release(row, code=error.code, reason=translated(error), is_counted=False)
    elif _denies_everything(row, error.code):
        sentence = _("s3:GetObject is not allowed (%(code)s). Grant it, or kms:Decrypt for the key of its objects.")
        reason = sentence % {"code": error.code} if error.is_denied else translated(error)
        title = _("No object in %(bucket)s can be read.") % {"bucket": bucket}
        _pause(bucket, f"{title} {reason}", PAUSE)
        _release(row, code=error.code, reason=reason, is_counted=False)
    else:
        sentence = _(
            "s3:GetObject is not allowed for this object (%(code)s). Check its ACL, or grant kms:Decrypt for its key."
        )
        reason = sentence % {"code": error.code} if error.is_denied else translated(error)
        _release(row, code=error.code, reason=reason)


def _denies_everything(row: BucketObject, code: str) -> bool:
    """True if the bucket denies every object, not only this one.

    Requests the last read objects again; a single success is enough. A bucket without any must have denied several
    objects.
    """
    objects, is_denied = BucketObject.objects.filter(bucket=row.bucket), False
    # AWS returns AccessDenied for a missing permission, an object's ACL and its KMS key alike. Only other objects show
    # which one it is.
    for present in objects.filter(state=State.PRESENT).order_by("-pk")[:MAX_PROBES]:
        try:
            s3_objects.head(originals.client_of(row.bucket), S3Object(row.bucket.name, present.key))
        except AWSError as error:
            is_denied = is_denied or not (error.is_absent or error.code == ARCHIVED)
        else:
            return False
    if is_denied:
        return True
    denied = objects.filter(state=State.WAITING, error_code=code).exclude(pk=row.pk)
    return denied.count() >= MIN_DENIED - 1


def _release(row: BucketObject, *, code: str, reason: str, is_counted: bool = True, is_final: bool = False) -> None:
    attempts = row.attempts if is_counted else row.attempts - 1
    has_failed = is_final or attempts >= leases.MAX_ATTEMPTS
    # Only for this revision: an event in the meantime queued the object again, and must not be delayed.
    BucketObject.objects.filter(pk=row.pk, revision=row.revision).update(
        attempts=attempts,
        state=State.FAILED if has_failed else State.WAITING,
        next_attempt_at=Now() + leases.backoff(attempts),
        error_code=code,
        reason=reason,
    )


def _pause(bucket: Bucket, reason: str, duration: timedelta) -> None:
    logger.warning("bucket %s is paused: %s", bucket, reason or "S3 is throttling requests")
    Bucket.objects.filter(pk=bucket.pk).update(paused_until=Now() + duration, last_error=reason)


def _clear_pause(bucket: Bucket) -> None:
    if bucket.last_error or bucket.paused_until:
        Bucket.objects.filter(pk=bucket.pk).update(last_error="", paused_until=None)
