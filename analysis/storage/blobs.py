"""Bytes under keys: the only module that names a storage alias. Keys are made here and carry nothing a user typed."""

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
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from analysis.aws.object_refs import PresignedForm, S3Object
from analysis.models import PendingBlob, Upload

RENDITIONS = {"thumb": "image/webp", "preview": "image/jpeg"}
"""The renditions of a picture and their media types, as ingest.render makes them."""


UPLOADS = "uploads"


class StorageError(Exception):
    """The storage did not take or give the bytes. Nothing of them is kept."""


class BlobMissing(StorageError):
    """The storage has no blob under this key."""


def storage() -> Storage:
    return storages["default"]


def bucket_name() -> str:
    """Of the storage, where it is S3."""
    return str(getattr(storage(), "bucket_name", ""))


def local_folder() -> Path | None:
    """Where the storage keeps its files, if it is a folder of this machine."""
    found = storage()
    return Path(found.location) if isinstance(found, FileSystemStorage) else None


def full_key(key: str) -> str:
    """The key as the bucket knows it, below the storage's prefix."""
    location = str(getattr(storage(), "location", "")).strip("/") if bucket_name() else ""
    return f"{location}/{key}" if location else key


def relative_key(key: str) -> str:
    """The key as we know it."""
    return key.removeprefix(full_key(""))


def original_key(extension: str) -> str:
    name = uuid.uuid4().hex
    return f"originals/{name[:2]}/{name}{extension}"


def upload_key(ticket_id: uuid.UUID) -> str:
    """Where bytes wait until they were looked at. The bucket's lifecycle rule names the folder."""
    return f"{UPLOADS}/{ticket_id.hex}"


def rendition_key(renditions_id: uuid.UUID, name: str) -> str:
    extension = RENDITIONS[name].removeprefix("image/")
    return f"renditions/{renditions_id.hex[:2]}/{renditions_id.hex}-{name}.{extension}"


def register_pending(keys: Iterable[str], *, ahead: timedelta = timedelta()) -> None:
    """Write down what is about to be stored, in a transaction of its own, so that a crash leaves no unknown blob.

    `ahead`: how long from now somebody may still be storing it.
    """
    PendingBlob.objects.bulk_create(PendingBlob(key=key, since=Now() + ahead) for key in keys)


def confirm(keys: Iterable[str]) -> None:
    """Strike blobs out, in the transaction that saves the row owning them."""
    PendingBlob.objects.filter(key__in=list(keys)).delete()


def put(key: str, content: IO[bytes] | bytes) -> None:
    """Store bytes. Raises StorageFailed with the storage's own words; a partial blob is swept later."""
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        source.seek(0)
        saved = storage().save(key, File(source, name=key))
    except OSError as error:
        raise StorageError(f"The storage did not take the picture: {error.strerror or error}.") from error
    if saved != key:
        storage().delete(saved)
        raise StorageError(f"The storage already holds something under {key}.")


def accepts_direct_uploads() -> bool:
    """Whether browsers send to the storage by themselves."""
    return hasattr(storage(), "presigned_form")


def presigned_form(key: str, *, size: int, seconds: int) -> PresignedForm | None:
    """How a browser may send so many bytes to the storage by itself; None where they must come to us.

    Raises StorageFailed.
    """
    sign = getattr(storage(), "presigned_form", None)
    try:
        return sign(key, size=size, seconds=seconds) if sign else None
    except OSError as error:
        raise StorageError(f"No upload can be signed: {error}.") from error


def size(key: str) -> int:
    """In bytes. Raises Missing or StorageFailed."""
    with _failures(key):
        return int(storage().size(key))


def copies_inside() -> bool:
    """Whether the storage copies from one key to another by itself."""
    return hasattr(storage(), "copy")


def adopt_upload(key: str, content: IO[bytes], *, arrived_as: str) -> None:
    """Keep what arrived under another key: the very bytes that were read from there as `content`.

    Only where the storage `copies_inside`. Raises StorageFailed, also where others have arrived there since.
    """
    with _failures(arrived_as):
        storage().copy(arrived_as, key, etag=getattr(content, "etag", ""))  # type: ignore[attr-defined]


def erase(key: str) -> None:
    """Delete a blob whose key stays written down: more may arrive under it until the sweeper looks again."""
    with suppress(OSError):
        storage().delete(key)


def get(key: str) -> IO[bytes]:
    """Open a blob for reading. Raises Missing or StorageFailed."""
    with _failures(key):
        return storage().open(key, "rb")


@contextmanager
def _failures(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BlobMissing(f"The storage has nothing under {key}.") from error
    except OSError as error:
        raise StorageError(f"The storage did not give {key}: {error.strerror or error}.") from error


def reference(key: str, *, region: str) -> S3Object | None:
    """Where a blob lies in S3, for AWS's services of a region; None where they do not reach it."""
    refer = getattr(storage(), "reference", None)
    return refer(key, region=region) if refer else None


def public_url(key: str) -> str | None:
    """Where a browser may fetch a blob by itself for a while; None where it must ask us. Raises StorageFailed."""
    sign = getattr(storage(), "signed_url", None)
    try:
        return sign(key) if sign else None
    except OSError as error:
        raise StorageError(f"No address can be signed: {error}.") from error


def signs_urls() -> bool:
    """Whether browsers fetch from the storage by themselves."""
    return bool(getattr(storage(), "url_seconds", 0))


def download_url(key: str, *, disposition: str) -> str:
    """The same for a blob that is there and is to be saved. Raises Missing or StorageFailed."""
    size(key)
    try:
        return str(storage().saving_url(key, disposition=disposition))  # type: ignore[attr-defined]
    except OSError as error:
        raise StorageError(f"No address can be signed: {error}.") from error


def delete_pending(keys: Iterable[str]) -> None:
    """Delete blobs and strike them out; one that cannot be deleted now stays written down for the sweeper."""
    gone = []
    for key in keys:
        try:
            storage().delete(key)
        except OSError:
            continue  # the sweeper tries again
        gone.append(key)
    confirm(gone)


def exists(key: str) -> bool:
    """Whether there is a blob under this key. Raises StorageFailed."""
    try:
        return storage().exists(key)
    except OSError as error:
        raise StorageError(f"The storage does not say whether it has {key}: {error.strerror or error}.") from error


def remove(key: str) -> None:
    """Delete a blob that is in no table. Raises StorageFailed."""
    try:
        storage().delete(key)
    except OSError as error:
        raise StorageError(f"The storage did not delete {key}: {error.strerror or error}.") from error


def list_keys(folder: str) -> Iterator[str]:
    """Every key in a folder and those inside it, one folder's names in memory at a time. Raises StorageFailed."""
    try:
        folders, names = storage().listdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"The storage does not list {folder}: {error.strerror or error}.") from error
    for name in sorted(names):
        yield f"{folder}/{name}"
    for inner in sorted(folders):
        yield from list_keys(f"{folder}/{inner}")


def orphaned(*, older_than: timedelta) -> QuerySet[PendingBlob]:
    """Blobs that have had no owner for a while, and that no upload under way is to become one of."""
    coming = Q(state=Upload.State.ISSUED, expires_at__gt=Now()) | Q(state=Upload.State.ARRIVED)
    awaited = Upload.objects.filter(coming, key=OuterRef("key"))
    return PendingBlob.objects.filter(~Exists(awaited), since__lt=Now() - older_than)


def sweep(*, older_than: timedelta, limit: int = 500) -> int:
    """Delete blobs that nobody awaits any more; answers how many."""
    keys = list(orphaned(older_than=older_than).order_by("since").values_list("key", flat=True)[:limit])
    delete_pending(keys)
    return len(keys)
