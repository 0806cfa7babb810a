"""The words that programs write into a picture's file or next to it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ingest import xmp
from analysis.ingest.capture_time import CaptureTime
from analysis.ingest.descriptive_metadata import DescriptiveMetadata, parse_rating
from analysis.ingest.examine import examine
from analysis.ingest.sidecar import from_json, read_sidecar, to_json, with_sidecar
from tests import pictures

FULL = DescriptiveMetadata(
    keywords=("Grandma", "Trip 2026", "été"),
    title="At the lake",
    description="All of us, <b>at last</b>.",
    rating=4,
    place="Old pier, Hallstatt, Austria",
    creator="Anna, Bo",
    copyright="© Anna",
)


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff", "heic", "avif"])
def test_xmp_is_read_from_every_format_that_carries_it(form):
    content = pictures.with_xmp(form, pictures.full_xmp())
    assert examine(BytesIO(content), name="picture").metadata.descriptive == FULL


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_packets_in_each_encoding_of_unicode_are_read(encoding):
    declared = f'<?xml version="1.0" encoding="{encoding}"?>\n{pictures.full_xmp().decode()}'
    assert xmp.parse_packet(declared.encode(encoding)).descriptive == FULL


def test_iptc_is_read_and_xmp_counts_more():
    iptc = pictures.iptc((2, 25, b"Lake"), (2, 25, b"Dogs"), (2, 5, b"Title"), (2, 120, "Näh".encode("latin-1")))
    iptc += pictures.iptc((2, 80, b"Anna"), (2, 90, b"Hallstatt"), (2, 101, b"Austria"), (2, 116, b"(c) Anna"))
    expected = DescriptiveMetadata(
        keywords=("Lake", "Dogs"),
        title="Title",
        description="Näh",
        place="Hallstatt, Austria",
        creator="Anna",
        copyright="(c) Anna",
    )
    content = pictures.with_iptc(iptc)
    assert examine(BytesIO(content), name="picture").metadata.descriptive == expected
    packet = pictures.xmp_of("<dc:subject><rdf:Bag><rdf:li>Boat</rdf:li></rdf:Bag></dc:subject>")
    both = examine(BytesIO(pictures.with_iptc(iptc, xmp=packet)), name="picture").metadata.descriptive
    assert both == replace(expected, keywords=("Boat",))


@pytest.mark.parametrize(
    "block",
    [b"\x1c", b"\x1c\x02\x19\xff\xff" + b"x" * 9, b"\x1c\x02\x19\x00\x10abc", b"nonsense", b"\x1c\x02\x19\x00\x00"],
)
def test_broken_iptc_costs_only_itself(block):
    examined = examine(BytesIO(pictures.with_iptc(block)), name="picture")
    assert examined.metadata.descriptive == DescriptiveMetadata()


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "packet",
    [
        ENTITIES.encode() + pictures.full_xmp(),
        (ENTITIES + pictures.full_xmp().decode()).encode("utf-16"),
        (ENTITIES + pictures.full_xmp().decode()).encode("utf-16-le"),
        ("\n" + ENTITIES + pictures.full_xmp().decode()).encode("utf-16-be"),
        (ENTITIES + pictures.full_xmp().decode()).encode("utf-32-le"),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + pictures.full_xmp(),
        pictures.full_xmp() + b" " * xmp.MAX_BYTES,
        b"<a>" * 40 + b"</a>" * 40,
        b"<a>" + b"<b/>" * (xmp.MAX_ELEMENTS + 1) + b"</a>",
        b"<a>&undefined;</a>",
        b"<a",
        b"\0\0\0",
        b"",
    ],
    ids=[
        *("entities", "utf-16 entities", "no mark", "space before", "utf-32", "external"),
        "large",
        "deep",
        "many",
        "undefined",
        "cut",
        "zeros",
        "empty",
    ],
)
def test_hostile_or_broken_xmp_costs_only_itself(packet):
    assert xmp.parse_packet(packet) == xmp.XmpMetadata()
    content = pictures.with_xmp("webp", packet or b" ")
    assert examine(BytesIO(content), name="picture").metadata.descriptive == DescriptiveMetadata()


def test_what_is_too_much_is_cut():
    many = "".join(f"<rdf:li>{number}</rdf:li>" for number in range(500))
    long = pictures.xmp_of(f"<dc:subject><rdf:Bag>{many}<rdf:li>1</rdf:li></rdf:Bag></dc:subject>")
    assert len(xmp.parse_packet(long).descriptive.keywords) == 100
    title = pictures.xmp_of(f"<dc:title><rdf:Alt><rdf:li>{'x' * 5000}</rdf:li></rdf:Alt></dc:title>")
    assert xmp.parse_packet(title).descriptive.title == "x" * 200


def test_keywords_are_counted_once_whatever_their_case():
    packet = pictures.xmp_of("<dc:subject><rdf:Bag><rdf:li>Dog</rdf:li><rdf:li> dog </rdf:li></rdf:Bag></dc:subject>")
    assert xmp.parse_packet(packet).descriptive.keywords == ("Dog",)


@pytest.mark.parametrize(
    ("text", "stars"), [("5", 5), ("0", None), ("-1", None), ("3.0", 3), ("6", None), ("x", None), ("1e999", None)]
)
def test_stars(text, stars):
    assert parse_rating(text) == stars


@pytest.mark.parametrize("name", ["photo.jpg.xmp", "photo.xmp", "photo.XMP"])
def test_sidecar_beside_a_picture_counts_more_than_its_file(tmp_path: Path, name):
    path = tmp_path / "photo.jpg"
    path.write_bytes(pictures.with_xmp("jpeg", pictures.full_xmp()))
    (tmp_path / name).write_bytes(
        pictures.xmp_of("<dc:subject><rdf:Bag><rdf:li>Beside</rdf:li></rdf:Bag></dc:subject>")
    )
    descriptive = with_sidecar(examine(path, name="photo.jpg"), read_sidecar(path)).metadata.descriptive
    assert descriptive == replace(FULL, keywords=("Beside",))


def test_sidecar_that_is_no_file_or_no_xmp_is_left_alone(tmp_path: Path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(pictures.jpeg())
    (tmp_path / "photo.jpg.xmp").mkdir()
    (tmp_path / "photo.xmp").write_bytes(b"<!DOCTYPE x>")
    examined = examine(path, name="photo.jpg")
    assert with_sidecar(examined, read_sidecar(path)) == examined


HALLSTATT = (47.5583333, -13.6416667)
JUNE = datetime(2021, 6, 5, 23, 30, tzinfo=UTC)


def test_time_and_location_are_read_from_xmp():
    metadata = xmp.parse_packet(pictures.dated_xmp())
    assert (metadata.time, metadata.location) == (CaptureTime(JUNE, 120), HALLSTATT)


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [("91,0N", "13,0E"), ("47,0N", ""), ("47,0E", "13,0E"), ("47.5", "13.6"), ("0,0N", "0,0E"), ("x" * 9_000, "13,0E")],
)
def test_location_that_is_none_is_left_out(latitude, longitude):
    assert xmp.parse_packet(pictures.dated_xmp(latitude=latitude, longitude=longitude)).location is None


def test_time_and_location_of_a_file_count_before_its_xmp_and_after_its_sidecar():
    content = pictures.encoded(pictures.quadrants(), "jpeg", exif=pictures.full_exif(), xmp=pictures.dated_xmp())
    examined = examine(BytesIO(content), name="picture")
    plain = examine(BytesIO(pictures.with_exif()), name="picture").metadata
    assert examined.metadata == plain
    alone = examine(BytesIO(pictures.with_xmp("png", pictures.dated_xmp())), name="picture").metadata
    assert (alone.taken_at, alone.taken_offset, alone.location) == (JUNE, 120, HALLSTATT)
    beside = with_sidecar(examined, xmp.parse_packet(pictures.dated_xmp())).metadata
    assert (beside.taken_at, beside.taken_offset, beside.location) == (JUNE, 120, HALLSTATT)
    assert beside.camera_model == plain.camera_model


@pytest.mark.parametrize("copy", ["{:%Y-%m-%d}", "{:%Y-%m-%dT%H:%M:%S.%f}"])
def test_copied_day_or_clock_in_a_sidecar_keeps_the_time_of_the_file(copy):
    examined = examine(BytesIO(pictures.with_exif()), name="picture")
    packet = pictures.dated_xmp(time=copy.format(examined.metadata.taken_at))
    beside = with_sidecar(examined, xmp.parse_packet(packet)).metadata
    assert (beside.taken_at, beside.taken_offset) == (examined.metadata.taken_at, examined.metadata.taken_offset)


@pytest.mark.parametrize("packet", [pictures.full_xmp(), pictures.dated_xmp(), b""])
def test_sidecar_survives_json(packet):
    sidecar = xmp.parse_packet(packet)
    assert from_json(json.loads(json.dumps(to_json(sidecar)))) == sidecar


PIECES = [
    b"<rdf:li>",
    b"</rdf:Bag>",
    b"\0",
    b"\xff\xfe",
    b"<!DOCTYPE",
    b"&#0;",
    b"&#xD800;",
    b"9" * 400,
    b"<" * 50,
    b"47,33N",
]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_packet_is_metadata_that_can_be_stored(data):
    packet = data.draw(st.sampled_from([pictures.full_xmp(), pictures.dated_xmp()]))
    for _ in range(data.draw(st.integers(1, 4))):
        at, length = data.draw(st.integers(0, len(packet))), data.draw(st.integers(0, 30))
        packet = packet[:at] + data.draw(st.sampled_from(PIECES) | st.binary(max_size=8)) + packet[at + length :]
    values = json.dumps(to_json(xmp.parse_packet(packet)))
    assert from_json(json.loads(values)) == xmp.parse_packet(packet)
    assert "\\u0000" not in values  # PostgreSQL stores none
    assert len(values) < 200_000
