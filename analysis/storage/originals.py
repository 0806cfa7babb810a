"""Originals of images, in our storage or in an indexed bucket."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import IO, cast

from django.conf import settings
from django.db import transaction
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from analysis.aws import s3_objects
from analysis.aws.errors import AWSError
from analysis.aws.object_refs import AssumedRole, S3Object
from analysis.formatting import translated
from analysis.models import Bucket, BucketObject, Image
from analysis.storage import blobs
from analysis.storage.presigned_urls import DOWNLOAD_SECONDS

IN_MEMORY = 8 * 2**20
"""Bytes of a download that are kept in memory before it goes to a temporary file."""


def no_bucket(name: str) -> str:
    return _("There is no bucket %(name)s. Correct the name, or create it.") % {"name": name}


def get(image: Image) -> IO[bytes]:
    """Open an original: the bytes that were examined.

    Raises BlobMissing or StorageError.
    """
    if image.bucket is None:
        return blobs.get(image.key)
    download = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    try:
        _with_version(image, image.bucket, lambda target: _download(image, target, into=download))
    except AWSError as refusal:
        download.close()
        raise _as_failure(image, refusal) from refusal
    except OSError as error:  # usually the disk of temporary files is full
        download.close()
        raise blobs.unreadable(image.key, error) from error
    download.seek(0)
    return download


def download_url(image: Image) -> str | None:
    """A presigned URL to download an original under its file name.

    None if imagelib must send it. Raises like `get`.
    """
    if not blobs.signs_urls():
        return None
    disposition = content_disposition_header(as_attachment=True, filename=image.filename) or "attachment"
    if image.bucket is None:
        # If it is not reachable, imagelib sends the file, which takes a thread but always works.
        is_reachable = not settings.AWS_CLOUDFRONT_DOMAIN  # a bucket behind CloudFront may deny all other requests
        return blobs.download_url(image.key, disposition=disposition) if is_reachable else None
    # Browsers remove "." and ".." from a path, so the signature of a URL for such a key would not match.
    if not s3_objects.is_addressable(image.key):
        return None
    bucket = image.bucket
    try:
        client = client_of(bucket)
        # Checked first, since a browser would display S3's XML error for a missing object.
        _with_version(image, bucket, lambda target: s3_objects.head(client, target, etag=image.etag))
        target = _target(image, bucket)
        return s3_objects.download_url(client, target, seconds=DOWNLOAD_SECONDS, disposition=disposition)
    except AWSError as refusal:
        raise _as_failure(image, refusal) from refusal


def reference(image: Image, *, region: str) -> S3Object | None:
    """The S3 object for AWS services in a region; None where they cannot read it."""
    if image.bucket is None:
        return blobs.reference(image.key, region=region)
    # Rekognition reads S3 objects of its own region only (Rekognition, "S3Object"), of AWS only, and with the
    # permissions of its caller, which is not the bucket's role.
    if image.bucket.role_arn:
        return None
    if s3_objects.has_own_endpoint() or region_of(image.bucket) != region:
        return None
    return _target(image, image.bucket)


def replacing_version(image: Image) -> str | None:
    """The version that replaces one that is gone: the latest, with the same bytes.

    None if the examined version still exists or the latest has other bytes. Only reads S3; `renew_version` stores it.
    """
    if image.bucket is None or not image.version_id or not image.etag:
        return None
    target = _target(image, image.bucket)
    try:
        client = client_of(image.bucket)
        s3_objects.head(client, target)
    except AWSError as refusal:
        if refusal.code not in s3_objects.VERSION_GONE:
            return None
    else:
        return None
    try:
        return s3_objects.head(client, replace(target, version=None), etag=image.etag)
    except AWSError:
        return None


def uploader_metadata(image: Image, bucket: Bucket) -> Mapping[str, str]:
    """Metadata that the uploader stored with the examined object.

    Empty if it is gone or was replaced. Raises AWSError.
    """
    try:
        return s3_objects.uploader_metadata(client_of(bucket), _target(image, bucket), etag=image.etag)
    except AWSError as refusal:
        if refusal.is_absent or refusal.code in s3_objects.CHANGED_CODES:
            return {}
        raise


def client_of(bucket: Bucket) -> s3_objects.Client:
    return s3_objects.client(region=region_of(bucket), role=role_of(bucket))


def role_of(bucket: Bucket) -> AssumedRole | None:
    """The role that reads the bucket; None for imagelib's own credentials."""
    return AssumedRole(bucket.role_arn, bucket.external_id) if bucket.role_arn else None


def region_of(bucket: Bucket) -> str:
    return bucket.region or str(settings.AWS_REGION)


def _target(image: Image, bucket: Bucket) -> S3Object:
    return S3Object(bucket.name, image.key, image.version_id or None)


def _download(image: Image, target: S3Object, *, into: IO[bytes]) -> str:
    return s3_objects.download(client_of(cast(Bucket, image.bucket)), target, etag=image.etag, into=into).version_id


def _with_version(image: Image, bucket: Bucket, request: Callable[[S3Object], str]) -> None:
    """Request the examined version, or the latest one with the same ETag.

    Raises AWSError. Storing the same bytes again makes a new version, which listings do not show.
    """
    target = _target(image, bucket)
    try:
        request(target)
    except AWSError as refusal:
        if refusal.code not in s3_objects.VERSION_GONE or not image.etag:
            raise
        version_id = request(replace(target, version=None))
        renew_version(image, version_id)


def renew_version(image: Image, version_id: str) -> None:
    """Store the version that has the examined bytes now."""
    with transaction.atomic():
        # In one transaction, since a sync compares the object's row with the picture's to detect changes.
        for rows in (Image.objects.filter(pk=image.pk), BucketObject.objects.filter(image=image.pk)):
            rows.filter(version_id=image.version_id).update(version_id=version_id)
    image.version_id = version_id


def _as_failure(image: Image, error: AWSError) -> blobs.StorageError:
    values = {"bucket": image.bucket, "key": image.key, "code": error.code, "error": translated(error)}
    if error.is_absent:
        return blobs.BlobMissing(_("The bucket %(bucket)s no longer has %(key)s.") % values)
    if error.code in s3_objects.CHANGED_CODES:
        return blobs.StorageError(
            _("%(key)s in the bucket %(bucket)s has changed and will be imported again soon.") % values
        )
    if error.is_denied:
        sentence = _(
            "s3:GetObject is not allowed for %(key)s in the bucket %(bucket)s (%(code)s)."
            " “Check connection” on the bucket's page shows the policy to grant."
        )
        return blobs.StorageError(sentence % values)
    return blobs.StorageError(_("%(key)s could not be read from the bucket %(bucket)s: %(error)s") % values)
