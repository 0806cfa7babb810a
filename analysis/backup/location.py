"""The folder or bucket of backups."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage
from django.utils.translation import gettext as _

from analysis.backup.errors import BackupError
from analysis.storage import blobs
from analysis.storage.s3 import SharedS3Storage

S3 = "s3://"
CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class StoredFile:
    """Size and SHA-256 of a file."""

    size: int
    sha256: str


class Location:
    """Files of a folder or of a bucket's prefix. All methods raise BackupError."""

    def __init__(self, text: str) -> None:
        self.is_bucket = text.startswith(S3)
        self.storage: Storage = _bucket(text) if self.is_bucket else _folder(text)
        self.text = text if self.is_bucket else str(Path(text).expanduser().resolve())

    def save(self, name: str, content: IO[bytes]) -> None:
        """Write or replace a file; nothing of it is left on failure."""
        try:
            if not self.is_bucket:  # for an existing file Django's storage would choose another name; S3 replaces it
                self.storage.delete(name)
            self.storage.save(name, File(content, name=name))
        except OSError as error:
            self.discard(name)
            sentence = _("%(name)s could not be written to %(location)s: %(error)s.")
            raise BackupError(sentence % self._values(name, error)) from error
        except BaseException:  # Ctrl-C
            self.discard(name)
            raise

    def discard(self, name: str) -> None:
        """Delete an incomplete file, ignoring errors."""
        with suppress(OSError):
            self.storage.delete(name)

    def delete(self, name: str) -> None:
        """Delete a file, if it exists."""
        try:
            self.storage.delete(name)
        except OSError as error:
            sentence = _("%(name)s in %(location)s could not be deleted: %(error)s.")
            raise BackupError(sentence % self._values(name, error)) from error

    def size(self, name: str) -> int | None:
        """Size in bytes; None if there is no such file."""
        try:
            return int(self.storage.size(name))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(name, error) from error

    def folders(self, name: str) -> list[str]:
        """Sorted names of the folders in a folder."""
        try:
            return sorted(name.strip("/") for name in self.storage.listdir(name)[0])
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unreadable(name, error) from error

    def exists(self, name: str) -> bool:
        return self.size(name) is not None

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file, which can be read twice."""
        try:
            file: Any = self.storage.open(name, "rb")
        except FileNotFoundError as error:
            values = {"name": name, "location": self.text}
            raise BackupError(_("%(name)s is missing in %(location)s.") % values) from error
        except (OSError, SuspiciousOperation) as error:
            raise self._unreadable(name, error) from error
        with file:
            yield file

    @contextmanager
    def open_verified(self, name: str, expected: StoredFile) -> Iterator[IO[bytes]]:
        """Open a file that must have this size and hash."""
        with self.open(name) as file:
            try:
                actual = measure(file)
            except OSError as error:
                raise self._unreadable(name, error) from error
            if actual != expected:
                sentence = _("%(name)s in %(location)s is damaged: its SHA-256 is not the one in the manifest.")
                raise BackupError(sentence % {"name": name, "location": self.text})
            yield file

    def _unreadable(self, name: str, error: Exception) -> BackupError:
        sentence = _("%(name)s in %(location)s could not be read: %(error)s.")
        return BackupError(sentence % self._values(name, error))

    def _values(self, name: str, error: Exception) -> dict[str, object]:
        return {"name": name, "location": self.text, "error": getattr(error, "strerror", "") or error}


def measure(file: IO[bytes]) -> StoredFile:
    """Size and hash of a file, which is then at its start."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    file.seek(0)
    return StoredFile(size, digest.hexdigest())


def _folder(text: str) -> Storage:
    folder, pictures = Path(text).expanduser().resolve(), blobs.local_folder()
    if pictures is not None and (folder.is_relative_to(pictures) or pictures.is_relative_to(folder / "blobs")):
        sentence = _("%(folder)s is inside the folder where pictures are stored. Choose another one.")
        raise BackupError(sentence % {"folder": folder})
    # Private, since backups contain everyone's pictures and password hashes.
    return FileSystemStorage(location=folder, file_permissions_mode=0o600, directory_permissions_mode=0o700)


def _bucket(text: str) -> Storage:
    bucket, _slash, prefix = text.removeprefix(S3).partition("/")
    if not bucket:
        raise BackupError(_("“%(text)s” is not a bucket URL. Use, for example, s3://bucket/backups.") % {"text": text})
    of_pictures = getattr(blobs.storage(), "location", "") if blobs.bucket_name() == bucket else None
    if of_pictures is not None and str(of_pictures).strip("/") == prefix.strip("/"):
        raise BackupError(
            _("%(folder)s is inside the folder where pictures are stored. Choose another one.") % {"folder": text}
        )
    return SharedS3Storage(
        bucket_name=bucket,
        region_name=settings.AWS_REGION or None,
        endpoint_url=settings.AWS_ENDPOINT or None,
        location=prefix.strip("/"),
        encryption=getattr(blobs.storage(), "encryption", {}),
    )
