"""XMP sidecars: files with a picture's metadata.

Their values take precedence over the picture's own.
"""

from __future__ import annotations

import stat
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from posixpath import splitext
from typing import Any

from analysis.ingest.capture_time import CaptureTime
from analysis.ingest.descriptive_metadata import DescriptiveMetadata
from analysis.ingest.examine import Examined
from analysis.ingest.xmp import MAX_BYTES, XmpMetadata, parse_packet

EXTENSIONS = (".xmp", ".XMP")


def is_sidecar(name: str) -> bool:
    return splitext(name)[1].lower() == ".xmp"


def sidecar_names(name: str) -> tuple[str, ...]:
    """Names of a picture's sidecar, in order: photo.jpg.xmp, else photo.xmp."""
    return tuple(f"{stem}{extension}" for stem in (name, splitext(name)[0]) for extension in EXTENSIONS)


def read_sidecar(path: Path) -> XmpMetadata:
    """Metadata of the sidecar of a picture on disk; empty without one."""
    for name in sidecar_names(path.name):
        sidecar = path.with_name(name)
        try:
            if not stat.S_ISREG(sidecar.stat().st_mode):  # opening a named pipe would wait for its writer
                continue
            with sidecar.open("rb") as file:
                # One byte more than is allowed, so that a longer file is refused and not cut.
                return parse_packet(file.read(MAX_BYTES + 1))
        except (OSError, ValueError):
            continue
    return XmpMetadata()


def with_sidecar(examined: Examined, sidecar: XmpMetadata) -> Examined:
    """Add the metadata of a sidecar."""
    return replace(examined, metadata=examined.metadata.updated(sidecar))


def to_json(sidecar: XmpMetadata) -> dict[str, Any]:
    """The metadata as JSON, small whatever the size of the file."""
    time = [sidecar.time.clock.isoformat(), sidecar.time.offset] if sidecar.time else None
    return {"descriptive": asdict(sidecar.descriptive), "time": time, "location": sidecar.location}


def from_json(values: dict[str, Any]) -> XmpMetadata:
    descriptive = {**values["descriptive"], "keywords": tuple(values["descriptive"]["keywords"])}
    time, location = values["time"], values["location"]
    return XmpMetadata(
        DescriptiveMetadata(**descriptive),
        CaptureTime(datetime.fromisoformat(time[0]), time[1]) if time else None,
        (location[0], location[1]) if location else None,
    )
