"""Where a picture's original lies and how to get at it: in our storage, or in the bucket that it stays in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import IO, cast

from django.conf import settings
from django.db import transaction
from django.utils.http import content_disposition_header

from analysis.aws import s3_objects
from analysis.aws.errors import AWSError
from analysis.aws.object_refs import S3Object
from analysis.models import Bucket, BucketObject, Image
from analysis.storage import blobs
from analysis.storage.presigned_urls import SAVING

IN_MEMORY = 8 * 2**20
NO_BUCKET = "There is no bucket {}: correct its name, or create it."


def get(image: Image) -> IO[bytes]:
    """Open an original for reading, the very bytes that were looked at. Raises blobs.Missing or blobs.StorageFailed."""
    if image.bucket is None:
        return blobs.get(image.key)
    fetched = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    try:
        _at_its_version(image, image.bucket, lambda place: _fetched(image, place, into=fetched))
    except AWSError as refusal:
        fetched.close()
        raise _as_failure(image, refusal) from refusal
    fetched.seek(0)
    return fetched


def download_url(image: Image) -> str | None:
    """Where a browser may fetch an original by itself, to save it under its name; None where it must ask us.

    That the very bytes are there is asked first, so that nobody is led astray. Raises like `get`.
    """
    if not blobs.signs_urls():
        return None
    disposition = content_disposition_header(as_attachment=True, filename=image.filename) or "attachment"
    if image.bucket is None:
        is_reached = not settings.AWS_CLOUDFRONT_DOMAIN  # a bucket behind it may be closed to everybody else
        return blobs.download_url(image.key, disposition=disposition) if is_reached else None
    if not s3_objects.is_addressable(image.key):
        return None
    bucket = image.bucket
    try:
        client = client_of(bucket)
        _at_its_version(image, bucket, lambda place: s3_objects.head(client, place, etag=image.etag))
        place = _place(image, bucket)
        return s3_objects.download_url(client, place, seconds=SAVING, disposition=disposition)
    except AWSError as refusal:
        raise _as_failure(image, refusal) from refusal


def reference(image: Image, *, region: str) -> S3Object | None:
    """Where it lies in S3, for AWS's services of a region; None where they do not reach it."""
    if image.bucket is None:
        return blobs.reference(image.key, region=region)
    if s3_objects.has_own_endpoint() or region_of(image.bucket) != region:
        return None
    return _place(image, image.bucket)


def delete(image: Image) -> None:
    """Delete the original of a picture in a bucket where that is allowed. Raises Refused."""
    if image.bucket is not None and image.bucket.may_delete:
        s3_objects.delete(client_of(image.bucket), S3Object(image.bucket.name, image.key))


def client_of(bucket: Bucket) -> s3_objects.Client:
    return s3_objects.client(region=region_of(bucket))


def region_of(bucket: Bucket) -> str:
    return bucket.region or str(settings.AWS_REGION)


def _place(image: Image, bucket: Bucket) -> S3Object:
    return S3Object(bucket.name, image.key, image.version_id or None)


def _fetched(image: Image, place: S3Object, *, into: IO[bytes]) -> str:
    return s3_objects.download(client_of(cast(Bucket, image.bucket)), place, etag=image.etag, into=into).version_id


def _at_its_version(image: Image, bucket: Bucket, ask: Callable[[S3Object], str]) -> None:
    """Ask for the version that was examined; where that has expired, for the present one, if its ETag is the same.

    The same bytes put once more are another version, of which a listing tells nothing. Raises Refused.
    """
    place = _place(image, bucket)
    try:
        ask(place)
    except AWSError as refusal:
        if refusal.code not in s3_objects.VERSION_GONE or not image.etag:
            raise
        version_id = ask(replace(place, version=None))
        _renew_version(image, version_id)


def _renew_version(image: Image, version_id: str) -> None:
    with transaction.atomic():
        for rows in (Image.objects.filter(pk=image.pk), BucketObject.objects.filter(image=image.pk)):
            rows.filter(version_id=image.version_id).update(version_id=version_id)
    image.version_id = version_id


def _as_failure(image: Image, refusal: AWSError) -> blobs.StorageError:
    if refusal.is_absent:
        return blobs.BlobMissing(f"The bucket {image.bucket} has nothing under {image.key} any more.")
    if refusal.code in s3_objects.CHANGED_CODES:
        return blobs.StorageError(f"{image.key} in the bucket {image.bucket} has changed; it is read again soon.")
    if refusal.is_denied:
        said = f"s3:GetObject is not allowed for {image.key} in the bucket {image.bucket} ({refusal.code}). "
        return blobs.StorageError(f"{said}“Check connection” on the bucket's page gives the policy to grant.")
    return blobs.StorageError(f"The bucket {image.bucket} did not give {image.key}: {refusal}")
