"""The stored files that rows refer to, in the order of their keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models.functions import Collate

from analysis.models import Export, Image, Upload
from analysis.storage import blobs

CHUNK = 5_000
BUCKET_ORIGINALS = "bucket-originals/"
"""Prefix of keys of originals in users' buckets, which are never restored."""


@dataclass(frozen=True)
class LibraryFile:
    """A file by key, with size and hash if its row has them."""

    key: str
    size: int | None = None
    sha256: str = ""
    image_id: int = 0
    """Only of an original in a bucket."""
    is_optional: bool = False
    """True for a file that may be deleted at any time."""


@dataclass(frozen=True)
class Options:
    """Optional files of a backup, which could be obtained again."""

    renditions: bool = True
    bucket_originals: bool = False


def library_files(options: Options) -> Iterator[LibraryFile]:
    # Folder by folder in alphabetical order, since the list of the previous backup is read in parallel.
    if options.bucket_originals:
        for pk, size, sha256 in _rows(Image.objects.exclude(bucket=None).order_by("pk"), "pk", "size", "sha256"):
            yield LibraryFile(f"{BUCKET_ORIGINALS}{pk:012d}", size, sha256, pk)
    exports = Export.objects.filter(state=Export.State.DONE).exclude(key="")
    for key, size, sha256 in _rows(exports.order_by(Collate("key", "C")), "key", "size", "sha256"):
        yield LibraryFile(key, size, sha256)
    originals = Image.objects.filter(bucket=None).order_by(Collate("key", "C"))
    for key, size, sha256 in _rows(originals, "key", "size", "sha256"):
        yield LibraryFile(key, size, sha256)
    if options.renditions:
        for (renditions_id,) in _rows(Image.objects.order_by("renditions_id"), "renditions_id"):
            for name in sorted(blobs.RENDITIONS):
                # A missing rendition is no loss, since it is rendered again when someone opens the picture.
                yield LibraryFile(blobs.rendition_key(renditions_id, name), is_optional=True)
    uploads = Upload.objects.filter(state=Upload.State.ARRIVED).order_by(Collate("key", "C"))
    for (key,) in _rows(uploads, "key"):
        yield LibraryFile(key, is_optional=True)


def _rows(queryset, *columns: str):  # type: ignore[no-untyped-def] # of any model
    return queryset.values_list(*columns).iterator(chunk_size=CHUNK)
