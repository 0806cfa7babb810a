"""Writes ZIP archives with ZIP64 while they are sent.

The same content gives the same bytes, since the dates of entries are given. The central directory, which comes last, is
kept in a temporary file, so memory does not grow with the number of entries.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from types import TracebackType

from zlib_ng import zlib_ng

# PKWARE, APPNOTE.TXT 6.3.10. Entries have ZIP64 sizes after their data, since sizes are not known before.
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
ZIP64_SIZES = struct.Struct("<2H2Q")
DATA_DESCRIPTOR = struct.Struct("<4sL2Q")
DIRECTORY_ENTRY = struct.Struct("<4s6H3L5H2L")
ZIP64_ENTRY = struct.Struct("<2H3Q")
ZIP64_END = struct.Struct("<4sQ2H2L4Q")
ZIP64_LOCATOR = struct.Struct("<4sLQL")
END = struct.Struct("<4s4H2LH")

VERSION = 45  # of ZIP64
# As the system the entry was made on, since programs read the file's mode only then (APPNOTE.TXT 4.4.2).
UNIX = 3 << 8
FLAGS = 1 << 3 | 1 << 11  # sizes after the data; names in UTF-8
STORED, DEFLATED = 0, 8
# Without a mode, unzip writes files that nobody may read.
FILE_MODE = 0o100644 << 16
IN_ZIP64, IN_ZIP64_SHORT = 0xFFFFFFFF, 0xFFFF
FIRST_YEAR, LAST_YEAR = 1980, 2107
IN_MEMORY, CHUNK = 4 * 2**20, 2**16


class ZipWriter:
    """An archive whose parts are yielded as bytes; used in a `with` statement."""

    def __init__(self, *, is_compressed: bool) -> None:
        self._method = DEFLATED if is_compressed else STORED
        self._offset = self._entries = 0
        self._directory = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 # closed by __exit__

    def __enter__(self) -> ZipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._directory.close()

    def file(self, name: str, chunks: Iterable[bytes], *, modified: datetime) -> Iterator[bytes]:
        """Write one entry, which has to be read to its end before the next one."""
        start, encoded, moment = self._offset, name.encode(), _dos_moment(modified)
        extra = ZIP64_SIZES.pack(1, 16, 0, 0)
        yield self._sent(
            LOCAL_HEADER.pack(
                *(b"PK\3\4", VERSION, FLAGS, self._method, *moment),
                *(0, IN_ZIP64, IN_ZIP64, len(encoded), len(extra)),
            )
            + encoded
            + extra
        )
        size, crc, data = 0, 0, self._offset
        packed = zlib.compressobj(wbits=-zlib.MAX_WBITS) if self._method == DEFLATED else None
        for chunk in chunks:
            size, crc = size + len(chunk), zlib_ng.crc32(chunk, crc)
            yield self._sent(packed.compress(chunk) if packed else chunk)
        if packed:
            yield self._sent(packed.flush())
        sizes = (self._offset - data, size)
        yield self._sent(DATA_DESCRIPTOR.pack(b"PK\7\x08", crc, *sizes))
        self._list(encoded, moment, crc, sizes=sizes, start=start)

    def end(self) -> Iterator[bytes]:
        """The central directory, and the end of the archive."""
        start = self._offset
        self._directory.seek(0)
        while chunk := self._directory.read(CHUNK):
            yield self._sent(chunk)
        end, number, size = self._offset, self._entries, self._offset - start
        yield ZIP64_END.pack(
            *(b"PK\6\6", ZIP64_END.size - 12, UNIX | VERSION, VERSION, 0, 0),
            *(number, number, size, start),
        )
        yield ZIP64_LOCATOR.pack(b"PK\6\7", 0, end, 1)
        short = min(number, IN_ZIP64_SHORT)
        yield END.pack(b"PK\5\6", 0, 0, short, short, min(size, IN_ZIP64), min(start, IN_ZIP64), 0)

    def _sent(self, content: bytes) -> bytes:
        self._offset += len(content)
        return content

    def _list(self, name: bytes, moment: tuple[int, int], crc: int, *, sizes: tuple[int, int], start: int) -> None:
        """Add an entry to the central directory."""
        packed, size = sizes
        # No ZIP64 for small entries, so that simple readers work.
        is_large = max(packed, size, start) >= IN_ZIP64
        extra = ZIP64_ENTRY.pack(1, 24, size, packed, start) if is_large else b""
        recorded = (IN_ZIP64, IN_ZIP64, IN_ZIP64) if is_large else (packed, size, start)
        self._directory.write(
            DIRECTORY_ENTRY.pack(
                *(b"PK\1\2", UNIX | VERSION, VERSION, FLAGS, self._method, *moment, crc, *recorded[:2]),
                *(len(name), len(extra), 0, 0, 0, FILE_MODE, recorded[2]),
            )
            + name
            + extra
        )
        self._entries += 1


def _dos_moment(moment: datetime) -> tuple[int, int]:
    """Time and date in MS-DOS format: in steps of two seconds, from 1980 on."""
    if moment.year < FIRST_YEAR:
        return 0, 1 << 5 | 1
    year = min(moment.year, LAST_YEAR) - FIRST_YEAR
    return moment.hour << 11 | moment.minute << 5 | moment.second // 2, year << 9 | moment.month << 5 | moment.day
