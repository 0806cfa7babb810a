"""Files in parts."""

from __future__ import annotations

import tempfile

import pytest
from django.core.files import File

from analysis.storage import read_ahead


@pytest.mark.parametrize("size", [0, 1, read_ahead.PART, 2 * read_ahead.AHEAD + 1])
def test_parts_are_the_whole_file(tmp_path, size):
    content = bytes(range(251)) * (size // 251 + 1)
    path = tmp_path / "original"
    path.write_bytes(content[:size])
    with File(path.open("rb")) as file:
        parts = list(read_ahead.parts(file))
    assert (b"".join(parts) == content[:size], max(map(len, parts), default=0)) == (True, min(size, read_ahead.PART))


def test_beginning_of_a_missing_file_is_no_error_yet(tmp_path):
    read_ahead.begin(tmp_path / "missing")


def test_file_in_memory_stays_there():
    with tempfile.SpooledTemporaryFile(max_size=100) as file:
        file.write(b"some bytes")
        file.seek(0)
        assert list(read_ahead.parts(file)) == [b"some bytes"]
        assert file._rolled is False
