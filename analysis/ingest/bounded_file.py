"""File objects for decoders, which distinguish read errors from damaged content."""

from __future__ import annotations

import io
import os
from typing import IO, BinaryIO, cast


class BoundedFile(io.RawIOBase):
    """A seekable file with its own position, which never leaves the file.

    A decoder that follows a damaged offset reads the end of the file instead of getting an OSError from the system. So
    `failure` is only set by real read errors, such as a failing disk or a lost connection.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.failure: OSError | None = None
        self._file = file
        self._position = 0
        file.seek(0, os.SEEK_END)
        self.length = file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.length}[whence]
        self._position = min(max(start + offset, 0), self.length)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def read(self, size: int = -1) -> bytes:
        left = self.length - self._position
        count = left if size is None or size < 0 else min(size, left)
        if count == 0:
            return b""
        try:
            self._file.seek(self._position)
            content = self._file.read(count)
        except OSError as error:
            self.failure = error
            raise
        self._position += len(content)
        return content

    def readall(self) -> bytes:
        return self.read()


class OpenDescriptor(io.RawIOBase):
    """A regular file by its descriptor.

    It reads with pread, since the descriptor's position is shared with the sending process.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = self._position if whence == os.SEEK_CUR else 0
        if whence == os.SEEK_END:
            start = os.fstat(self._descriptor).st_size
        self._position = max(start + offset, 0)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def buffered(raw: io.RawIOBase) -> BinaryIO:
    """A buffered reader, for decoders that read a few bytes at a time."""
    return cast(BinaryIO, io.BufferedReader(raw, 64 * 1024))
