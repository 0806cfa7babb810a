"""XMP sidecars in buckets: photo.jpg.xmp, or else photo.xmp for photo.jpg.

A sync and S3 events note which pictures have a new sidecar and queue these; the importer reads it with the picture.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from posixpath import splitext

from django.db.models import F
from django.db.models.functions import Now
from django.db.models.query import RawQuerySet

from analysis.aws import s3_objects
from analysis.aws.errors import AWSError
from analysis.aws.object_refs import S3Object
from analysis.ingest.sidecar import sidecar_names
from analysis.ingest.xmp import MAX_BYTES, XmpMetadata, parse_packet
from analysis.models import Bucket, BucketObject
from analysis.storage import originals

State = BucketObject.State
# photo.jpg itself, or photo with any extension: keys from "photo." to before "photo/", the byte after the dot.
BESIDE = """
    SELECT object.id, object.key, object.sidecar_key, object.sidecar_etag, object.state
    FROM unnest(%(stems)s::text[]) AS stem, LATERAL (
        SELECT * FROM analysis_bucketobject WHERE bucket_id = %(bucket)s AND key = stem COLLATE "C"
        UNION ALL
        SELECT * FROM analysis_bucketobject
        WHERE bucket_id = %(bucket)s AND key > (stem || '.') COLLATE "C" AND key < (stem || '/') COLLATE "C"
          AND strpos(substr(key, length(stem) + 2), '.') = 0
    ) object
    WHERE object.state IN ('waiting', 'present', 'failed')
    ORDER BY object.id
"""


@dataclass(frozen=True)
class Sidecar:
    """The sidecar of an object. `key`: empty without one."""

    key: str = ""
    etag: str = ""
    metadata: XmpMetadata = field(default_factory=XmpMetadata)

    def was_read_with(self, row: BucketObject) -> bool:
        """True if this sidecar was read with the object before."""
        return (self.key, self.etag) == (row.sidecar_key, row.sidecar_etag)


def read(row: BucketObject) -> Sidecar:
    """The sidecar of an object.

    Raises AWSError for errors that concern more than this one key.
    """
    if not row.bucket.has_sidecars:  # saves up to four requests per picture
        return Sidecar()
    for key in sidecar_names(row.key):
        file = io.BytesIO()
        target = S3Object(row.bucket.name, key)
        try:
            info = s3_objects.download(originals.client_of(row.bucket), target, into=file, maximum=MAX_BYTES)
        except AWSError as error:
            # Without s3:ListBucket, S3 responds with AccessDenied for a missing key.
            if error.is_absent or error.is_denied:
                continue
            raise
        return Sidecar(key, info.etag, parse_packet(file.getvalue()))
    return Sidecar()


def queue_changed(bucket: Bucket, etags: Mapping[str, str]) -> int:
    """Queue the objects whose sidecars are new or changed, by key and ETag.

    Returns the number of those that did not wait already.
    """
    if not etags:
        return 0
    if not bucket.has_sidecars:
        bucket.has_sidecars = True
        Bucket.objects.filter(pk=bucket.pk).update(has_sidecars=True)
    changed = [row for row in _beside(bucket, etags) if _has_changed(row, etags)]
    # Including waiting objects, since one may be read right now, still without its sidecar.
    BucketObject.objects.filter(pk__in=[row.pk for row in changed]).update(
        state=State.WAITING, revision=F("revision") + 1, attempts=0, next_attempt_at=Now()
    )
    return sum(row.state != State.WAITING for row in changed)


def _beside(bucket: Bucket, sidecars: Iterable[str]) -> RawQuerySet[BucketObject]:
    return BucketObject.objects.raw(BESIDE, {"bucket": bucket.pk, "stems": [splitext(key)[0] for key in sidecars]})


def _has_changed(row: BucketObject, etags: Mapping[str, str]) -> bool:
    for key in sidecar_names(row.key):
        if key in etags:
            return (key, etags[key]) != (row.sidecar_key, row.sidecar_etag)
        if key == row.sidecar_key:  # takes precedence over those that follow
            return False
    return False
