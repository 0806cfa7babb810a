"""A copy of a file that nobody else writes to, checked against what was examined before it is stored."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from analysis.storage.blobs import StorageError

CHUNK_BYTES = 2**20
IN_MEMORY = 8 * 2**20


class Changed(StorageError):
    """The bytes are not those that were examined; nothing of them is kept."""


@contextmanager
def snapshot(file: IO[bytes], *, sha256: str) -> Iterator[IO[bytes]]:
    """The file's bytes, if they are still those with this SHA-256. Raises Changed; the file's own OSError passes."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as copy:
        digest = hashlib.sha256()
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            _write(copy, chunk)
        if digest.hexdigest() != sha256:
            raise Changed("The file changed while it was read; send it again.")
        copy.seek(0)
        yield copy


def _write(copy: IO[bytes], chunk: bytes) -> None:
    try:
        copy.write(chunk)
    except OSError as error:
        raise StorageError(f"There is no room for a temporary file ({error.strerror or error}).") from error
