"""Stored files by key, in a folder or an S3 bucket.

Keys contain no user input.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis.aws.object_refs import PresignedForm, S3Object
from analysis.models import PendingBlob
from analysis.storage import deletion_pause

RENDITIONS = {"thumb": "image/webp", "preview": "image/jpeg"}
"""Media types of the renditions that ingest.thumbnails makes for each image."""
ON_DEMAND = {"full": "image/jpeg", "tiles": "application/octet-stream"}
"""Media types of renditions that are made on request, for zooming (`zoom.py`)."""
EXTENSIONS = {"thumb": "webp", "preview": "jpeg", "full": "jpeg", "tiles": "bin"}
UPLOADS = "uploads"


class StorageError(Exception):
    """A file could not be stored or read. No part of it is stored."""


class BlobMissing(StorageError):
    """The storage has no file under a key."""


def storage() -> Storage:
    return storages["default"]


def bucket_name() -> str:
    """The storage's bucket, or "" for a folder."""
    return str(getattr(storage(), "bucket_name", ""))


def local_folder() -> Path | None:
    """The storage's folder, unless it is a bucket."""
    current = storage()
    return Path(current.location) if isinstance(current, FileSystemStorage) else None


def full_key(key: str) -> str:
    """A key with the storage's prefix, as in the bucket."""
    location = str(getattr(storage(), "location", "")).strip("/") if bucket_name() else ""
    return f"{location}/{key}" if location else key


def relative_key(key: str) -> str:
    """A key of the bucket without the storage's prefix."""
    return key.removeprefix(full_key(""))


def original_key(extension: str) -> str:
    # Not the user's filename, which could contain "..", differ only in case, or be too long for a file system.
    name = uuid.uuid4().hex
    return f"originals/{name[:2]}/{name}{extension}"


def upload_key(ticket_id: uuid.UUID) -> str:
    """Key for bytes that are not validated yet.

    The folder is named in the bucket's lifecycle rule.
    """
    return f"{UPLOADS}/{ticket_id.hex}"


def rendition_key(renditions_id: uuid.UUID, name: str) -> str:
    return f"renditions/{renditions_id.hex[:2]}/{renditions_id.hex}-{name}.{EXTENSIONS[name]}"


def rendition_keys(renditions_id: uuid.UUID) -> list[str]:
    """Keys of all renditions that may exist, for deletion."""
    # All names, rendered or not: deleting a missing file is no error, so the bucket need not be listed.
    return [rendition_key(renditions_id, name) for name in (*RENDITIONS, *ON_DEMAND)]


def register_pending(keys: Iterable[str], *, ahead: timedelta = timedelta()) -> None:
    """Register keys before their files are written, for the sweeper after a crash.

    Must be committed before the files are written. `ahead`: time from now in which they may be written.
    """
    # Some may be registered already: a process was killed while it made a rendition for zooming, or makes it just now.
    PendingBlob.objects.bulk_create(
        [PendingBlob(key=key, since=Now() + ahead) for key in keys],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["since"],
    )


def confirm(keys: Iterable[str]) -> None:
    """Unregister keys, in the transaction that saves the row with these files."""
    PendingBlob.objects.filter(key__in=list(keys)).delete()


def put(key: str, content: IO[bytes] | bytes) -> None:
    """Store bytes under a new key. Raises StorageError; a partial file is swept later."""
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        source.seek(0)
        saved = storage().save(key, File(source, name=key))
    except OSError as error:
        raise StorageError(_("The file could not be stored: %(error)s.") % _cause(error)) from error
    # Django's storages choose another name if the file exists. A UUID never collides, so something is wrong.
    if saved != key:
        storage().delete(saved)
        raise StorageError(_("The storage already has a file %(key)s.") % {"key": key})


def accepts_direct_uploads() -> bool:
    """True if browsers send files to the storage directly."""
    # Checked by capability, not by class, since a deployment may set its own storage in STORAGES.
    return hasattr(storage(), "presigned_form")


def presigned_form(key: str, *, size: int, seconds: int) -> PresignedForm | None:
    """A presigned form to upload `size` bytes directly to the storage.

    None if they must be sent to imagelib. Raises StorageError.
    """
    sign = getattr(storage(), "presigned_form", None)
    try:
        return sign(key, size=size, seconds=seconds) if sign else None
    except OSError as error:
        raise StorageError(_("The upload form could not be signed: %(error)s.") % _cause(error)) from error


def size(key: str) -> int:
    """Size in bytes. Raises BlobMissing or StorageError."""
    with failures(key):
        return int(storage().size(key))


def can_copy() -> bool:
    """True if the storage can copy files itself."""
    return hasattr(storage(), "copy")


def copy_upload(key: str, content: IO[bytes], *, uploaded_key: str) -> None:
    """Copy an upload to `key`, if it still has the ETag of `content`.

    Only for storage that `can_copy`. Raises StorageError.
    """
    with failures(uploaded_key):
        # Until the form expires, the browser can replace the upload, also after it was examined.
        storage().copy(uploaded_key, key, etag=getattr(content, "etag", ""))  # type: ignore[attr-defined]


def erase(key: str) -> None:
    """Delete an upload's bytes.

    Its key stays registered, since the browser may still send more: S3 cannot revoke a presigned form.
    """
    with suppress(OSError):
        storage().delete(key)


def get(key: str) -> IO[bytes]:
    """Open a file for reading. Raises BlobMissing or StorageError."""
    with failures(key):
        return storage().open(key, "rb")


def read_range(key: str, *, start: int, length: int) -> bytes:
    """Part of a file. Raises BlobMissing or StorageError."""
    read = getattr(storage(), "read_range", None)
    with failures(key):
        if read:
            return bytes(read(key, start=start, length=length))
        with storage().open(key, "rb") as file:
            file.seek(start)
            return bytes(file.read(length))


def _cause(error: OSError, key: str = "") -> dict[str, object]:
    return {"error": error.strerror or error, "key": key}


@contextmanager
def failures(key: str) -> Iterator[None]:
    """Raise a storage's errors about a key as BlobMissing or StorageError."""
    try:
        yield
    except FileNotFoundError as error:
        raise BlobMissing(_("The storage has no file %(key)s.") % {"key": key}) from error
    except OSError as error:
        raise unreadable(key, error) from error


def unreadable(key: str, error: OSError) -> StorageError:
    """The error for a file that exists, but cannot be read now."""
    return StorageError(_("%(key)s could not be read: %(error)s.") % _cause(error, key))


def reference(key: str, *, region: str) -> S3Object | None:
    """The S3 object for AWS services in a region; None where they cannot read it."""
    refer = getattr(storage(), "reference", None)
    return refer(key, region=region) if refer else None


def public_url(key: str) -> str | None:
    """A signed URL for browsers; None if imagelib sends the file itself.

    Raises StorageError.
    """
    sign = getattr(storage(), "signed_url", None)
    try:
        return sign(key) if sign else None
    except OSError as error:
        raise StorageError(_("The URL could not be signed: %(error)s.") % _cause(error)) from error


def signs_urls() -> bool:
    """True if browsers read files from the storage directly."""
    return bool(getattr(storage(), "url_seconds", 0))


def download_url(key: str, *, disposition: str) -> str:
    """A signed URL to download a file. Raises BlobMissing or StorageError."""
    # Checked first, since a browser would display S3's XML error for a missing object.
    size(key)
    try:
        return str(storage().attachment_url(key, disposition=disposition))  # type: ignore[attr-defined]
    except OSError as error:
        raise StorageError(_("The URL could not be signed: %(error)s.") % _cause(error)) from error


def delete_pending(keys: Iterable[str]) -> None:
    """Delete files and unregister their keys.

    The sweeper tries those again that cannot be deleted; during a backup that is all of them.
    """
    with deletion_pause.allowed() as is_allowed:
        if is_allowed:
            # Unregistered after they are deleted, so that the sweeper finds those that a crash leaves.
            confirm(_delete_all(list(keys)))


def _delete_all(keys: list[str]) -> list[str]:
    """Delete files, with their versions in S3; returns the keys of those deleted."""
    if delete_many := getattr(storage(), "delete_many", None):
        with suppress(OSError):  # some S3-compatible servers lack this request
            return list(delete_many(keys))
    deleted = []
    for key in keys:
        try:
            storage().delete(key)
        except OSError:
            continue  # the sweeper tries again
        deleted.append(key)
    return deleted


def exists(key: str) -> bool:
    """True if the storage has a file under this key. Raises StorageError."""
    try:
        return storage().exists(key)
    except OSError as error:
        raise StorageError(_("%(key)s could not be looked up: %(error)s.") % _cause(error, key)) from error


def remove(key: str) -> None:
    """Delete a file that no row refers to. Raises StorageError."""
    try:
        storage().delete(key)
    except OSError as error:
        raise StorageError(_("%(key)s could not be deleted: %(error)s.") % _cause(error, key)) from error


def list_keys(folder: str) -> Iterator[str]:
    """All keys below a folder, with one folder's names in memory at a time.

    Raises StorageError.
    """
    try:
        # FileSystemStorage returns all names of a folder at once. With 256 folders that is a few thousand names for a
        # million pictures.
        folders, names = storage().listdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(_("%(key)s could not be listed: %(error)s.") % _cause(error, folder)) from error
    for name in sorted(names):
        yield f"{folder}/{name}"
    for subfolder in sorted(folders):
        yield from list_keys(f"{folder}/{subfolder}")
