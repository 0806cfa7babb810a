"""The date of a file as the date taken of a picture without one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import IO

from analysis.ingest.capture_time import CaptureTime
from analysis.ingest.examine import Examined

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Before digital cameras. Programs without a date write 1970, and ZIP archives 1980."""
MIN_AGE = timedelta(days=1)
"""Minimum age of the file's date: a younger file was just downloaded, copied or exported."""
SECONDS = re.compile(r"(\d{1,12})(?:\.\d+)?", re.ASCII)
NANOSECONDS = re.compile(r"(\d{1,12})\d{9}ns", re.ASCII)


def with_file_date(examined: Examined, modified: CaptureTime | None, *, now: datetime) -> Examined:
    """Add the date of the file to a picture without a date, if it is plausible."""
    if modified is None or examined.metadata.taken_at is not None or not is_plausible(modified, now=now):
        return examined
    metadata = replace(examined.metadata, taken_at=modified.clock, taken_offset=modified.offset, is_file_date=True)
    return replace(examined, metadata=metadata)


def is_plausible(modified: CaptureTime, *, now: datetime) -> bool:
    """True if the date may be when the picture was taken; `now`: when it was added."""
    return EARLIEST <= modified.clock - timedelta(minutes=modified.offset or 0) <= now - MIN_AGE


def modified_on_disk(file: IO[bytes], *, zone: tzinfo) -> CaptureTime | None:
    """The modification time of an open file, on the clock of a time zone."""
    return _at(os.fstat(file.fileno()).st_mtime, zone)


def modified_before_upload(metadata: Mapping[str, str], *, zone: tzinfo) -> CaptureTime | None:
    """The file's modification time in the metadata of an S3 object.

    rclone and s3fs write `mtime` in seconds, DataSync and file gateways `file-mtime` in nanoseconds.
    """
    # Without LastModified, which is the time of the upload.
    match = SECONDS.fullmatch(metadata.get("mtime", "")) or NANOSECONDS.fullmatch(metadata.get("file-mtime", ""))
    return _at(int(match[1]), zone) if match else None


def _at(seconds: float, zone: tzinfo) -> CaptureTime | None:
    try:
        local = datetime.fromtimestamp(seconds, zone)
    except (ValueError, OverflowError, OSError):
        return None
    offset = local.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset is not None else None
    return CaptureTime(local.replace(tzinfo=UTC), minutes)
