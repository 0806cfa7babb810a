"""Metadata from XMP: descriptions, capture time and location.

Hostile XML only loses its values; the image is accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.etree import ElementTree

from PIL import Image

from analysis.ingest.capture_time import CaptureTime, capture_time
from analysis.ingest.descriptive_metadata import (
    LINE_LENGTH,
    TEXT_LENGTH,
    DescriptiveMetadata,
    clean_keywords,
    join_place,
    parse_rating,
)
from analysis.ingest.validation import plain_text

MAX_BYTES = 2**20
MAX_DEPTH = 32
MAX_ELEMENTS = 20_000
# Pillow's key for most formats, and the key of PNG's text chunk.
PACKETS = ("xmp", "XML:com.adobe.xmp")

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
EXIF = "{http://ns.adobe.com/exif/1.0/}"
CORE = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"

DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
# Degrees, and minutes with a fraction or with seconds: 47,33.5N or 47,33,30N.
COORDINATE = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?([NSEW])", re.ASCII)
TIMES = (f"{EXIF}DateTimeOriginal", f"{PHOTOSHOP}DateCreated")  # not xmp:CreateDate, which is often the time of an edit
# The first bytes of each encoding: its byte order mark, or "<" without one.
MARKS = (
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)


@dataclass(frozen=True)
class XmpMetadata:
    """Metadata of a picture; `location` is latitude and longitude in degrees."""

    descriptive: DescriptiveMetadata = field(default_factory=DescriptiveMetadata)
    time: CaptureTime | None = None
    location: tuple[float, float] | None = None


class _BoundedBuilder(ElementTree.TreeBuilder):
    """Builds XML trees; raises ValueError if one is too deep or too large."""

    depth = elements = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> ElementTree.Element:
        self.depth += 1
        self.elements += 1
        if self.depth > MAX_DEPTH or self.elements > MAX_ELEMENTS:
            raise ValueError("too deep or too large")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ElementTree.Element:
        self.depth -= 1
        return super().end(tag)


def embedded_xmp(image: Image.Image) -> XmpMetadata:
    """XMP metadata of an opened image; empty if absent or unreadable."""
    packet = next((image.info[name] for name in PACKETS if image.info.get(name)), b"")
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    return parse_packet(packet) if isinstance(packet, bytes) else XmpMetadata()


def parse_packet(packet: bytes) -> XmpMetadata:
    """Parse XMP; empty if too large, not XML, or with a document type."""
    root = _tree(packet)
    if root is None:
        return XmpMetadata()
    nodes = list(root.iter(f"{RDF}Description"))

    def items(name: str) -> list[str]:
        return next((values for node in nodes if (values := _items(node, name))), [])

    def line(name: str) -> str:
        return plain_text(", ".join(items(name)), LINE_LENGTH)

    def first(name: str, length: int = LINE_LENGTH) -> str:
        return plain_text(next(iter(items(name)), ""), length)

    descriptive = DescriptiveMetadata(
        keywords=clean_keywords(items(f"{DC}subject")),
        title=first(f"{DC}title"),
        description=first(f"{DC}description", TEXT_LENGTH),
        rating=parse_rating(first(f"{XMP}Rating")),
        place=join_place(
            line(f"{CORE}Location"), line(f"{PHOTOSHOP}City"), line(f"{PHOTOSHOP}State"), line(f"{PHOTOSHOP}Country")
        ),
        creator=line(f"{DC}creator"),
        copyright=first(f"{DC}rights"),
    )
    times = (capture_time(first(name)) for name in TIMES)
    location = _location(first(f"{EXIF}GPSLatitude"), first(f"{EXIF}GPSLongitude"))
    return XmpMetadata(descriptive, next(filter(None, times), None), location)


def _location(latitude: str, longitude: str) -> tuple[float, float] | None:
    """Both coordinates or neither. Programs without a fix write 0°, 0°."""
    north, east = _degrees(latitude, "NS", limit=90), _degrees(longitude, "EW", limit=180)
    return (north, east) if north is not None and east is not None and (north or east) else None


def _degrees(text: str, directions: str, *, limit: int) -> float | None:
    match = COORDINATE.fullmatch(text)
    if match is None or match[4] not in directions:
        return None
    degrees = round(int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600, 7)
    if degrees > limit:
        return None
    return -degrees if match[4] in "SW" else degrees


def _tree(packet: bytes) -> ElementTree.Element | None:
    if not packet or len(packet) > MAX_BYTES:
        return None
    # Decoded here, so that a declared encoding cannot hide a document type from the check.
    encoding = next((name for mark, name in MARKS if packet.startswith(mark)), "utf-8")
    text = DECLARATION.sub("", packet.decode(encoding, "replace").strip("\0 \r\n\t"), count=1)
    # Expat reads text with NULs as UTF-16 whatever encoding is given, and would find a hidden document type.
    if "\0" in text or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    # Nothing can expand: document types, which define entities, were refused.
    parser = ElementTree.XMLParser(target=_BoundedBuilder())  # noqa: S314
    try:
        parser.feed(text)
        root: ElementTree.Element = parser.close()
    except (ElementTree.ParseError, ValueError):
        return None
    return root


def _items(node: ElementTree.Element, name: str) -> list[str]:
    """Values of a property: an attribute, an element, or a bag, list or languages."""
    if value := node.get(name):
        return [value]
    element = node.find(name)
    if element is None:
        return []
    entries = [(entry.get(LANG, ""), entry.text or "") for entry in element.iter(f"{RDF}li")]
    if not entries:
        return [element.text] if element.text and element.text.strip() else []
    # The text for readers of any language comes first.
    entries.sort(key=lambda entry: entry[0] != "x-default")
    return [text for _, text in entries if text.strip()]
