"""XMP's words about a picture, from a packet in its file or from a sidecar. Hostile XML costs its own values only."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

from analysis.ingest.description import LINE_LENGTH, TEXT_LENGTH, Description, keywords_of, place_of, stars_of
from analysis.ingest.validation import plain_text

MOST_BYTES = 2**20
MOST_DEPTH = 32
MOST_ELEMENTS = 20_000
PACKETS = ("xmp", "XML:com.adobe.xmp")

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
CORE = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"

DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


class _BoundedBuilder(ElementTree.TreeBuilder):
    """Refuses trees that are deep or large."""

    depth = elements = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> ElementTree.Element:
        self.depth += 1
        self.elements += 1
        if self.depth > MOST_DEPTH or self.elements > MOST_ELEMENTS:
            raise ValueError("too deep or too large")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ElementTree.Element:
        self.depth -= 1
        return super().end(tag)


def xmp_description(image: Image.Image) -> Description:
    """Of an opened picture; empty where there is nothing, or nothing that can be read."""
    packet = next((image.info[name] for name in PACKETS if image.info.get(name)), b"")
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    return parsed(packet) if isinstance(packet, bytes) else Description()


def sidecar_description(path: Path) -> Description:
    """Of the sidecar beside a picture: photo.jpg.xmp, else photo.xmp."""
    for beside in (path.with_name(f"{path.name}.xmp"), path.with_suffix(".xmp"), path.with_suffix(".XMP")):
        try:
            if not stat.S_ISREG(beside.stat().st_mode):  # opening a named pipe would wait for its writer
                continue
            with beside.open("rb") as file:
                return parsed(file.read(MOST_BYTES + 1))
        except (OSError, ValueError):
            continue
    return Description()


def parsed(packet: bytes) -> Description:
    """Empty for what is too large, no XML, or names a document type, whose entities could be anything."""
    root = _tree(packet)
    if root is None:
        return Description()
    nodes = list(root.iter(f"{RDF}Description"))

    def items(name: str) -> list[str]:
        return next((found for node in nodes if (found := _items(node, name))), [])

    def line(name: str) -> str:
        return plain_text(", ".join(items(name)), LINE_LENGTH)

    def first(name: str, length: int) -> str:
        return plain_text(next(iter(items(name)), ""), length)

    return Description(
        keywords=keywords_of(items(f"{DC}subject")),
        title=first(f"{DC}title", LINE_LENGTH),
        description=first(f"{DC}description", TEXT_LENGTH),
        rating=stars_of(first(f"{XMP}Rating", LINE_LENGTH)),
        place=place_of(
            line(f"{CORE}Location"), line(f"{PHOTOSHOP}City"), line(f"{PHOTOSHOP}State"), line(f"{PHOTOSHOP}Country")
        ),
        creator=line(f"{DC}creator"),
        copyright=first(f"{DC}rights", LINE_LENGTH),
    )


def _tree(packet: bytes) -> ElementTree.Element | None:
    if not packet or len(packet) > MOST_BYTES:
        return None
    # Decoded here, so that no declared encoding hides a document type from the check.
    encoding = next((name for mark, name in MARKS if packet.startswith(mark)), "utf-8")
    text = DECLARATION.sub("", packet.decode(encoding, "replace").strip("\0 \r\n\t"), count=1)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    parser = ElementTree.XMLParser(target=_BoundedBuilder())  # noqa: S314
    try:
        parser.feed(text)
        root: ElementTree.Element = parser.close()
    except (ElementTree.ParseError, ValueError):
        return None
    return root


def _items(node: ElementTree.Element, name: str) -> list[str]:
    """A property's values: of an attribute, of a plain element, or of a bag, a list or languages."""
    if value := node.get(name):
        return [value]
    element = node.find(name)
    if element is None:
        return []
    entries = [(entry.get(LANG, ""), entry.text or "") for entry in element.iter(f"{RDF}li")]
    if not entries:
        return [element.text] if element.text and element.text.strip() else []
    entries.sort(key=lambda entry: entry[0] != "x-default")
    return [text for _, text in entries if text.strip()]
