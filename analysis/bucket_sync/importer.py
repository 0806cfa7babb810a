"""Reading what lies in buckets: the objects that wait are taken one by one, examined, and become pictures.

Whatever was heard of an object, only a look at it decides: so news may come twice, late, or in any order.
"""

from __future__ import annotations

import logging
import random
import tempfile
import threading
import time
from datetime import timedelta
from typing import IO

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from analysis.aws import s3_objects
from analysis.aws.errors import AWSError, EndpointUnreachable, MissingCredentials
from analysis.aws.object_refs import S3Object
from analysis.aws.s3_objects import ObjectInfo
from analysis.bucket_sync import object_import
from analysis.bucket_sync.object_import import ImportHooks
from analysis.ingest.examine import Examined
from analysis.ingest.service import examine
from analysis.ingest.validation import InvalidImage, clean_name, megabytes
from analysis.models import Bucket, BucketObject
from analysis.storage import blobs, originals, renditions

logger = logging.getLogger(__name__)

AT_ONCE = threading.BoundedSemaphore(2)
"""Readers in one process: more would keep the recognizers' work waiting, and decoding fills two cores."""
SPELL = 60.0
"""Seconds after which a reader ends and has itself announced again."""
CLAIM = 300.0
"""Seconds until an object that was taken to be read is taken again."""
MAX_ATTEMPTS = 5
ARCHIVED = "InvalidObjectState"
UNREADABLE = frozenset({"archive", "not-an-image"})
"""As what compressed bytes are refused; some objects only claim to be compressed, and are pictures."""
DENIED = {
    True: "s3:GetObject is not allowed ({}): grant it, or kms:Decrypt for the key of its objects.",
    False: "s3:GetObject is not allowed for this object ({}): see to its ACL, or grant kms:Decrypt for its key.",
}
"""By whether the bucket denies everything."""
PROBE_OBJECTS, FEW = 3, 3
"""Objects that were given before and are asked for again; refused ones after which all of a bucket are."""
REST = timedelta(seconds=60)
"""How long a bucket is left alone that gives nothing: credentials, permission, network."""
MOMENT = timedelta(seconds=2)
"""The same after it asked for patience."""
State = BucketObject.State


def due_buckets() -> list[int]:
    """Buckets in which something waits to be read."""
    waiting = BucketObject.objects.filter(state=State.WAITING, next_attempt_at__lte=Now())
    rested = Q(bucket__paused_until=None) | Q(bucket__paused_until__lte=Now())
    return sorted(set(waiting.filter(rested).values_list("bucket_id", flat=True)[:1_000]))


def import_pending(bucket_id: int, *, consequences: ImportHooks) -> bool:
    """Read what waits in a bucket until nothing does; True when it ended with work left.

    Several may read side by side, in this process and in others.
    """
    if not AT_ONCE.acquire(blocking=False):
        return False  # the others of this process go on until nothing waits
    try:
        end = time.monotonic() + SPELL
        while time.monotonic() < end:
            taken = _claim(bucket_id)
            if taken is None:
                return False
            _read(taken, consequences=consequences)
        return True
    finally:
        AT_ONCE.release()


def _claim(bucket_id: int) -> BucketObject | None:
    """The next one that nobody else reads; if it is not done in time, it is taken again."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE analysis_bucketobject
            SET next_attempt_at = statement_timestamp() + make_interval(secs => %s), attempts = attempts + 1
            WHERE id = (
                SELECT o.id FROM analysis_bucketobject o JOIN analysis_bucket b ON b.id = o.bucket_id
                WHERE o.bucket_id = %s AND o.state = 'waiting' AND o.next_attempt_at <= statement_timestamp()
                  AND (b.paused_until IS NULL OR b.paused_until <= statement_timestamp())
                ORDER BY o.next_attempt_at LIMIT 1 FOR UPDATE OF o SKIP LOCKED)
            RETURNING id
            """,
            [CLAIM, bucket_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return BucketObject.objects.select_related("bucket__owner", "image").filter(pk=row[0]).first()


def _read(each: BucketObject, *, consequences: ImportHooks) -> None:
    bucket, found = each.bucket, object_import.MISSING_CODES
    if each.attempts > MAX_ATTEMPTS:  # put back by nobody: it kills whoever reads it
        _put_back(each, code="worker-lost", reason="Each worker that read it stopped before it was done.")
        return
    with tempfile.SpooledTemporaryFile(max_size=originals.IN_MEMORY) as file:
        try:
            place, maximum = S3Object(bucket.name, each.key), renditions.limits().max_bytes
            found = s3_objects.download(originals.client_of(bucket), place, into=file, maximum=maximum)
            if _is_known(each, found):
                object_import.mark_unchanged(each, found=found)
            else:
                object_import.import_object(each, _examined(each, found, file), found=found, consequences=consequences)
        except AWSError as refusal:
            _refused(each, refusal, consequences)
        except InvalidImage as no:
            object_import.mark_missing(
                each, consequences=consequences, state=State.REFUSED, code=no.code, reason=no.reason, found=found
            )
        except blobs.StorageError as failure:
            _put_back(each, code="storage", reason=str(failure))
        else:
            _is_well(bucket)


def _is_known(each: BucketObject, found: ObjectInfo) -> bool:
    """It is the very object that the picture was made from, and nobody missed it meanwhile."""
    image = each.image
    is_same = image is not None and (image.etag, image.version_id) == (found.etag, found.version_id)
    return is_same and not object_import.is_missing(each)


def _examined(each: BucketObject, found: ObjectInfo, file: IO[bytes]) -> Examined:
    """Raises Rejected."""
    limits = renditions.limits()
    if found.size > limits.max_bytes:
        reason = f"{megabytes(found.size)} is over the limit of {megabytes(limits.max_bytes)}"
        raise InvalidImage("too-large", clean_name(each.key), reason)
    try:
        return examine(file, name=each.key, limits=limits)
    except InvalidImage as refusal:
        if found.encoding and refusal.code in UNREADABLE:
            reason = f"it is stored compressed (Content-Encoding: {found.encoding}); put it into the bucket without"
            raise InvalidImage("compressed", refusal.name, reason) from refusal
        raise


def _refused(each: BucketObject, refusal: AWSError, consequences: ImportHooks) -> None:
    """The bucket did not give it: it is gone, or the bucket wants patience, or something must be put right."""
    bucket = each.bucket
    if refusal.code == "NoSuchBucket":
        _pause_bucket(bucket, originals.NO_BUCKET.format(bucket.name), REST)
        _put_back(each, code=refusal.code, reason=str(refusal), is_counted=False)
    elif refusal.is_absent:
        object_import.mark_missing(each, consequences=consequences)
    elif refusal.is_slow_down:
        _pause_bucket(bucket, "", MOMENT * random.uniform(1, 2))  # noqa: S311
        _put_back(each, code=refusal.code, reason=str(refusal), is_counted=False)
    elif refusal.code == ARCHIVED:
        reason = "It is archived: restore it in S3, then sync the bucket."
        _put_back(each, code=refusal.code, reason=reason, is_final=True)
    elif isinstance(refusal, MissingCredentials | EndpointUnreachable):
        _pause_bucket(bucket, str(refusal), REST)
        _put_back(each, code=refusal.code, reason=str(refusal), is_counted=False)
    else:
        is_of_bucket = _denies_everything(each, refusal.code)
        sentence = DENIED[is_of_bucket].format(refusal.code) if refusal.is_denied else str(refusal)
        if is_of_bucket:
            _pause_bucket(bucket, f"Nothing of {bucket} can be read. {sentence}", REST)
        _put_back(each, code=refusal.code, reason=sentence, is_counted=not is_of_bucket)


def _denies_everything(each: BucketObject, code: str) -> bool:
    """Whether the bucket refuses everything, so that it is not this object's own fault (its ACL, its KMS key).

    What it gave last is asked for again, and one that it gives is enough; a bucket that never gave anything must have
    refused several.
    """
    known, is_refused = BucketObject.objects.filter(bucket=each.bucket), False
    for given in known.filter(state=State.PRESENT).order_by("-pk")[:PROBE_OBJECTS]:
        try:
            s3_objects.head(originals.client_of(each.bucket), S3Object(each.bucket.name, given.key))
        except AWSError as refusal:
            is_refused = is_refused or not (refusal.is_absent or refusal.code == ARCHIVED)
        else:
            return False
    if is_refused:
        return True
    refused = known.filter(state=State.WAITING, error_code=code).exclude(pk=each.pk)
    return refused.count() >= FEW - 1


def _put_back(each: BucketObject, *, code: str, reason: str, is_counted: bool = True, is_final: bool = False) -> None:
    attempts = each.attempts if is_counted else each.attempts - 1
    delay = timedelta(seconds=min(2.0**attempts * random.uniform(1, 2), 600))  # noqa: S311
    is_over = is_final or attempts >= MAX_ATTEMPTS
    BucketObject.objects.filter(pk=each.pk, revision=each.revision).update(
        attempts=attempts,
        state=State.FAILED if is_over else State.WAITING,
        next_attempt_at=Now() + delay,
        error_code=code,
        reason=reason,
    )


def _pause_bucket(bucket: Bucket, trouble: str, how_long: timedelta) -> None:
    logger.warning("bucket %s rests: %s", bucket, trouble or "it asked for patience")
    Bucket.objects.filter(pk=bucket.pk).update(paused_until=Now() + how_long, trouble=trouble)


def _is_well(bucket: Bucket) -> None:
    if bucket.trouble or bucket.paused_until:
        Bucket.objects.filter(pk=bucket.pk).update(trouble="", paused_until=None)
