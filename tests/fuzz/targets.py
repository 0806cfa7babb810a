"""The readers under test: each takes bytes and returns a short outcome.

A reader may refuse its input with its own error. Any other error, and values beyond their limits, are failures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO

from PIL import Image

from analysis.bucket_sync.s3_events import InvalidEvent, parse_events
from analysis.ingest.descriptive_metadata import LINE_LENGTH, TEXT_LENGTH, DescriptiveMetadata
from analysis.ingest.examine import examine
from analysis.ingest.exif import ImageMetadata, read_metadata
from analysis.ingest.iptc import RESOURCE, iptc_description
from analysis.ingest.validation import InvalidImage, Limits, plain_text
from analysis.ingest.xmp import parse_packet
from analysis.search.errors import InvalidQuery
from analysis.search.syntax.parser import parse

LIMITS = Limits(max_bytes=2_000_000, max_pixels=4_000_000, max_memory=512 * 1024**2, seconds=5)


def picture(content: bytes) -> str:
    try:
        return examine(BytesIO(content), name="picture", limits=LIMITS).format
    except InvalidImage as refusal:
        return refusal.code


def exif(content: bytes) -> str:
    image = Image.new("RGB", (8, 8))
    image.info["exif"] = content
    metadata = read_metadata(image)
    _check_camera_values(metadata)
    return _names_of_values(asdict(metadata))


def xmp(content: bytes) -> str:
    metadata = parse_packet(content)
    _check_texts(metadata.descriptive)
    assert metadata.location is None or (abs(metadata.location[0]) <= 90, abs(metadata.location[1]) <= 180) == (1, 1)
    names = _names_of_values({**asdict(metadata.descriptive), "time": metadata.time, "location": metadata.location})
    assert names == "nothing" or b"<!DOCTYPE" not in content.replace(b"\0", b"")
    return names


def iptc(content: bytes) -> str:
    image = Image.new("RGB", (8, 8))
    image.info["photoshop"] = {RESOURCE: content}
    metadata = iptc_description(image)
    _check_texts(metadata)
    return _names_of_values(asdict(metadata))


def event(content: bytes) -> str:
    try:
        events = parse_events(content.decode("utf-8", "surrogateescape"))
    except InvalidEvent as error:
        return f"invalid: {error.template}"
    for entry in events:
        text = entry.key + entry.bucket + entry.etag + entry.version_id + entry.sequencer
        text.encode()
        assert ("\0" in text, 0 <= entry.size < 2**63, len(entry.key.encode()) <= 1_024) == (False, True, True)
    return f"{len(events)} events"


def query(content: bytes) -> str:
    try:
        parsed = parse(content.decode("utf-8", "replace"))
    except InvalidQuery as error:
        return f"invalid at {error.column}"
    assert parse(parsed.text) == parsed, parsed.text
    return f"{len(parsed.parts)} parts"


TARGETS: dict[str, Callable[[bytes], str]] = {
    "picture": picture,
    "exif": exif,
    "xmp": xmp,
    "iptc": iptc,
    "event": event,
    "query": query,
}


def _check_texts(metadata: DescriptiveMetadata) -> None:
    for text in (metadata.title, metadata.place, metadata.creator, metadata.copyright, *metadata.keywords):
        assert text == plain_text(text, LINE_LENGTH)
    assert metadata.description == plain_text(metadata.description, TEXT_LENGTH)
    assert metadata.rating in {None, 1, 2, 3, 4, 5}
    assert len(metadata.keywords) <= 100


def _check_camera_values(metadata: ImageMetadata) -> None:
    _check_texts(metadata.descriptive)
    for text in (metadata.camera_make, metadata.camera_model, metadata.lens, metadata.exposure, metadata.focal_length):
        assert text == plain_text(text, 100)
    assert metadata.latitude is None or abs(metadata.latitude) <= 90
    assert metadata.longitude is None or abs(metadata.longitude) <= 180
    assert metadata.orientation in range(1, 9)
    assert metadata.iso is None or 0 < metadata.iso < 2**31


def _names_of_values(values: dict[str, object]) -> str:
    """The names of what was found, so that a value that is no longer read is noticed."""
    descriptive = values.pop("descriptive", {})
    assert isinstance(descriptive, dict)
    names = [name for name, value in {**values, **descriptive}.items() if value]
    return " ".join(name for name in names if name != "orientation") or "nothing"
