"""Dates of files as dates taken."""

import os
from datetime import UTC, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest

from analysis.ingest.capture_time import CaptureTime, capture_time
from analysis.ingest.examine import examine
from analysis.ingest.file_date import modified_before_upload, modified_on_disk, with_file_date
from tests import pictures

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("modified", "is_used"),
    [
        ("2019-04-12T16:30:00+02:00", True),
        ("2019-04-12T16:30:00", True),
        ("1990-01-01T00:00:00Z", True),
        ("1990-01-01T00:00:00+01:00", False),  # still 1989 in UTC
        ("1980-01-01T00:00:00", False),
        ("1970-01-01T00:00:00Z", False),
        ("2026-11-29T12:00:00Z", True),
        ("2026-11-29T12:00:01Z", False),  # downloaded today
        ("2038-01-19T03:14:07Z", False),
    ],
)
def test_file_date_is_used_where_it_is_plausible(modified, is_used):
    examined = examine(BytesIO(pictures.jpeg()), name="a.jpg")
    time = capture_time(modified)
    metadata = with_file_date(examined, time, now=NOW).metadata
    assert metadata.is_file_date is is_used
    assert (metadata.taken_at, metadata.taken_offset) == ((time.clock, time.offset) if is_used else (None, None))


def test_date_of_the_picture_counts_more():
    examined = examine(BytesIO(pictures.with_exif()), name="a.jpg")
    assert with_file_date(examined, capture_time("2019-04-12T16:30:00Z"), now=NOW) is examined
    assert with_file_date(examined, None, now=NOW) is examined


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"mtime": "1555079400"}, CaptureTime(datetime(2019, 4, 12, 16, 30, tzinfo=UTC), 120)),
        ({"mtime": "1547303400.123456789"}, CaptureTime(datetime(2019, 1, 12, 15, 30, tzinfo=UTC), 60)),
        ({"file-mtime": "1555079400123456789ns"}, CaptureTime(datetime(2019, 4, 12, 16, 30, tzinfo=UTC), 120)),
        ({"mtime": "999999999999"}, None),  # year 33658
        ({"mtime": "yesterday"}, None),
        ({"mtime": "-1"}, None),
        ({}, None),
    ],
)
def test_times_that_uploaders_keep_are_read(metadata, expected):
    assert modified_before_upload(metadata, zone=PARIS) == expected


def test_modification_time_on_disk_is_on_the_clock_of_the_zone(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"")
    os.utime(path, (1555079400, 1555079400))
    with path.open("rb") as file:
        assert modified_on_disk(file, zone=PARIS) == CaptureTime(datetime(2019, 4, 12, 16, 30, tzinfo=UTC), 120)
