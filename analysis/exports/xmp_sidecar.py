"""XMP sidecars with labels as keywords, title and description."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from analysis.exports.image_rows import ImageRow

X = "adobe:ns:meta/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
NOT_IN_XML = frozenset(map(chr, range(32))) - frozenset("\t\n\r") | {"\ufffe", "\uffff"}

for prefix, uri in (("x", X), ("rdf", RDF), ("dc", DC)):
    ElementTree.register_namespace(prefix, uri)


def sidecar(row: ImageRow) -> bytes:
    """The XMP packet of a picture as a separate file (ISO 16684-1)."""
    root = Element(f"{{{X}}}xmpmeta")
    description = SubElement(SubElement(root, f"{{{RDF}}}RDF"), f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    # Language alternatives, as which XMP defines both; keywords are an unordered array.
    for name, text in (("title", row.image.title), ("description", row.image.description)):
        if text:
            alternatives = SubElement(SubElement(description, f"{{{DC}}}{name}"), f"{{{RDF}}}Alt")
            SubElement(alternatives, f"{{{RDF}}}li", {XML_LANG: "x-default"}).text = _printable(text)
    if row.labels:
        bag = SubElement(SubElement(description, f"{{{DC}}}subject"), f"{{{RDF}}}Bag")
        for label in row.labels:
            SubElement(bag, f"{{{RDF}}}li").text = _printable(label.name)
    packet: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return packet


def _printable(text: str) -> str:
    """The text without control and other characters that XML 1.0 cannot contain."""
    return "".join(character for character in text if character not in NOT_IN_XML)
