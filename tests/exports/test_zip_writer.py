"""ZIP archives: read back by Python and unzip, ZIP64, dates, memory."""

from __future__ import annotations

import io
import shutil
import subprocess
import tracemalloc
import zipfile
from datetime import UTC, datetime

import pytest

from analysis.exports import zip_writer
from analysis.exports.zip_writer import ZipWriter

MOMENT = datetime(2026, 5, 17, 12, 34, 56, tzinfo=UTC)
FILES = {"a.txt": [b"first ", b"second"], "Größe.txt": [b"x" * 100_000], "empty.txt": []}


def archive(files, *, is_compressed=False, modified=MOMENT) -> bytes:
    with ZipWriter(is_compressed=is_compressed) as stream:
        parts = [part for name, chunks in files.items() for part in stream.file(name, chunks, modified=modified)]
        return b"".join([*parts, *stream.end()])


@pytest.mark.parametrize("is_compressed", [False, True])
def test_entries_are_read_back_with_their_dates(is_compressed):
    content = archive(FILES, is_compressed=is_compressed)
    read = zipfile.ZipFile(io.BytesIO(content))
    assert {name: read.read(name) for name in read.namelist()} == {
        name: b"".join(chunks) for name, chunks in FILES.items()
    }
    assert {entry.date_time for entry in read.infolist()} == {(2026, 5, 17, 12, 34, 56)}
    assert (len(content) < 10_000) is is_compressed
    assert content == archive(FILES, is_compressed=is_compressed)


@pytest.mark.skipif(not shutil.which("unzip"), reason="needs unzip")
@pytest.mark.parametrize("files", [FILES, {}])
def test_unzip_finds_no_fault(files, tmp_path):
    path = tmp_path / "files.zip"
    path.write_bytes(archive(files, is_compressed=True))
    result = subprocess.run(["unzip", "-tq", path], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.split()[0]) in {(0, "No"), (1, "warning")}, result  # 1: it is empty


@pytest.mark.parametrize(("moment", "expected"), [
    (datetime(1969, 7, 20, 20, 17, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
    (datetime(2200, 1, 1, tzinfo=UTC), (2107, 1, 1, 0, 0, 0)),
])  # fmt: skip
def test_dates_that_zip_cannot_hold_are_the_nearest_it_can(moment, expected):
    [entry] = zipfile.ZipFile(io.BytesIO(archive({"a": [b""]}, modified=moment))).infolist()
    assert entry.date_time == expected


def test_an_archive_beyond_four_gigabytes(tmp_path):
    beyond = 5 * 2**30
    with ZipWriter(is_compressed=False) as stream, (tmp_path / "large.zip").open("wb") as file:
        # A hole in the file instead of five gigabytes of pictures before this one.
        stream._offset = beyond
        file.seek(beyond)
        file.writelines([*stream.file("last.txt", [b"last"], modified=MOMENT), *stream.end()])
    with zipfile.ZipFile(tmp_path / "large.zip") as read:
        assert (read.getinfo("last.txt").header_offset, read.read("last.txt")) == (beyond, b"last")


def test_more_entries_than_the_old_format_counts():
    names = {f"{number}.txt": [] for number in range(66_000)}
    assert len(zipfile.ZipFile(io.BytesIO(archive(names))).infolist()) == len(names)


def test_the_list_of_entries_does_not_stay_in_memory(monkeypatch):
    monkeypatch.setattr(zip_writer, "IN_MEMORY", 2**16)
    with ZipWriter(is_compressed=False) as stream:
        tracemalloc.start()
        for number in range(5_000):
            for _part in stream.file(f"{number}.txt", [], modified=MOMENT):
                pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert used < 200_000
