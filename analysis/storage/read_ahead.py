"""Reads large files in parts, while the disk already reads the next part."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

PART = 2**18
AHEAD = 4 * 2**20
"""Bytes for the kernel to read ahead: more than a disk delivers while a part is sent."""


def begin(path: Path) -> None:
    """Ask the kernel to read the beginning of a file that is opened soon."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError), path.open("rb") as file:  # reported when it is opened to be read
            os.posix_fadvise(file.fileno(), 0, 2 * AHEAD, os.POSIX_FADV_WILLNEED)


def parts(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file, from its beginning."""
    number, position, requested = _descriptor(file), 0, 0
    while True:
        if number is not None and requested < position + AHEAD:
            # Linux itself reads only 128 kB ahead, so the disk would wait while a part is sent, and the sender while
            # the disk reads.
            os.posix_fadvise(number, requested, 2 * AHEAD, os.POSIX_FADV_WILLNEED)
            requested += 2 * AHEAD
        part = file.read(PART)
        if not part:
            return
        position += len(part)
        yield part


def _descriptor(file: IO[bytes]) -> int | None:
    """The file descriptor; None if it is not on a disk or posix_fadvise is missing."""
    # Django wraps files. fileno() would make a SpooledTemporaryFile write itself to the disk.
    inner = getattr(file, "file", file)
    return inner.fileno() if isinstance(inner, io.BufferedReader) and hasattr(os, "posix_fadvise") else None
