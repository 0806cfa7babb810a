"""Finds the source of an inventory, and its bucket in the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from analysis.aws import s3_objects
from analysis.aws.errors import AWSError
from analysis.census.inventory import InvalidInventory, Inventory
from analysis.census.inventory_files import FolderSource, S3Source, Source
from analysis.formatting import translated
from analysis.messages import gettext_noop
from analysis.models import Bucket
from analysis.storage import originals

S3_SCHEME = "s3://"


def source_of(location: str, *, region: str = "") -> Source:
    """The files at s3://BUCKET/KEY, or on this machine.

    A bucket of the library is read with its own region and role. Raises InvalidInventory, AWSError.
    """
    if not location.startswith(S3_SCHEME):
        path = Path(location)
        if not path.exists():
            raise InvalidInventory(gettext_noop("There is no file or folder %(path)s."), path=location)
        return FolderSource(path)
    name, _slash, key = location.removeprefix(S3_SCHEME).partition("/")
    if not name or not key:
        raise InvalidInventory(gettext_noop("Pass the manifest as s3://BUCKET/…/manifest.json."))
    bucket = Bucket.objects.filter(name=name).order_by("prefix").first()
    if bucket and not region:
        return S3Source(originals.client_of(bucket), name, key)
    return S3Source(s3_objects.client(region=region or str(settings.AWS_REGION)), name, key)


def bucket_of(name: str, inventory: Inventory) -> Bucket | None:
    """The library's bucket of that name, or the only one for the inventory's bucket.

    None for a bucket that is not in the library yet. Raises InvalidInventory.
    """
    buckets = list(Bucket.objects.order_by("name", "prefix"))
    if name:
        return next((bucket for bucket in buckets if str(bucket) == name), None)
    if not inventory.bucket:
        raise InvalidInventory(gettext_noop("Without a manifest, pass the bucket that was inventoried: --bucket NAME."))
    matches = [bucket for bucket in buckets if bucket.name == inventory.bucket]
    return matches[0] if len(matches) == 1 else None


def rules_of(bucket: Bucket | None, name: str, prefix: str | None) -> dict[str, Any]:
    """Name, prefix and patterns of a bucket, from the library if it is there."""
    if bucket:
        return {
            "bucket": bucket.name,
            "prefix": bucket.prefix if prefix is None else prefix,
            "include": tuple(bucket.include),
            "exclude": tuple(bucket.exclude),
        }
    bucket_name, _slash, own_prefix = name.partition("/")
    return {"bucket": bucket_name, "prefix": own_prefix if prefix is None else prefix}


def describe_error(location: str, error: AWSError) -> str:
    """The reason why an inventory cannot be read, and what to do."""
    if error.is_denied:
        sentence = _(
            "%(location)s cannot be read: s3:GetObject is not allowed (%(code)s). Allow it on the inventory's files."
        )
        return sentence % {"location": location, "code": error.code}
    return _("%(location)s cannot be read: %(error)s") % {"location": location, "error": translated(error)}
