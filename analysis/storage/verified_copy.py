"""A temporary copy of a file, verified to have the examined bytes."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.utils.translation import gettext as _

from analysis.storage.blobs import StorageError

CHUNK_BYTES = 2**20
IN_MEMORY = 8 * 2**20


class FileChanged(StorageError):
    """The file no longer has the examined bytes."""


@contextmanager
def verified_copy(file: IO[bytes], *, sha256: str) -> Iterator[IO[bytes]]:
    """Copy a file that must have this SHA-256.

    Raises FileChanged; read errors of the file pass through.
    """
    # A copy, since the file could be changed between hashing and storing it.
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as copy:
        digest = hashlib.sha256()
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            _write(copy, chunk)
        if digest.hexdigest() != sha256:
            raise FileChanged(_("The file changed while it was read. Please send it again."))
        copy.seek(0)
        yield copy


def _write(copy: IO[bytes], chunk: bytes) -> None:
    try:
        copy.write(chunk)
    except OSError as error:
        sentence = _("A temporary file could not be written: %(error)s.")
        raise StorageError(sentence % {"error": error.strerror or error}) from error
