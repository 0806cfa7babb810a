"""Files that decoders may seek and read as they like: only the source's own errors are told apart as such."""

from __future__ import annotations

import io
import os
from typing import IO, BinaryIO, cast


class Source(io.RawIOBase):
    """A seekable file behind a position of our own.

    A decoder that follows an offset out of a damaged file gets the end of the file, where the system would raise an
    OSError. So `failure` holds only what reading itself raised: a disk that fails, a connection that ends.
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
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted == 0:
            return b""
        try:
            self._file.seek(self._position)
            content = self._file.read(wanted)
        except OSError as error:
            self.failure = error
            raise
        self._position += len(content)
        return content

    def readall(self) -> bytes:
        return self.read()


class OpenDescriptor(io.RawIOBase):
    """A regular file by its descriptor, read at a position of our own: another process' position stays its own."""

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
    """The same behind a buffer, for decoders that read a few bytes at a time."""
    return cast(BinaryIO, io.BufferedReader(raw, 64 * 1024))
