from datetime import UTC, datetime
from io import BytesIO

import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from analysis.ingest.examine import examine
from analysis.ingest.exif import ImageMetadata, _degrees, read_metadata
from tests import pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def read(content: bytes) -> ImageMetadata:
    return examine(BytesIO(content), name="picture").metadata


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff", "heic", "avif"])
def test_a_cameras_values_are_read_from_every_format_that_carries_them(form):
    assert read(pictures.with_exif(form)) == ImageMetadata(
        taken_at=datetime(2024, 7, 14, 10, 30, 5, tzinfo=UTC),
        taken_offset=120,
        camera_make="Canon",
        camera_model="EOS R5",
        lens="RF24-105mm F4 L IS USM",
        exposure="1/250 s",
        aperture="f/2.8",
        iso=400,
        focal_length="35 mm",
        latitude=-33.8566667,
        longitude=151.215,
    )


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "gif", "tiff", "bmp", "heic", "avif"])
def test_a_picture_without_exif_has_no_values(form):
    assert read(pictures.every_format()[form]) == ImageMetadata()


def clock(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "taken_at", "offset"),
    [
        ({}, clock(2024, 7, 14, 10, 30, 5), 120),
        ({"OffsetTimeOriginal": "-05:30"}, clock(2024, 7, 14, 10, 30, 5), -330),
        ({"OffsetTimeOriginal": None}, clock(2024, 7, 14, 10, 30, 5), None),
        ({"OffsetTimeOriginal": "   :  "}, clock(2024, 7, 14, 10, 30, 5), None),
        ({"OffsetTimeOriginal": "+99:99"}, clock(2024, 7, 14, 10, 30, 5), None),
        ({"OffsetTimeOriginal": "Z"}, clock(2024, 7, 14, 10, 30, 5), 0),
        ({"SubsecTimeOriginal": "25"}, clock(2024, 7, 14, 10, 30, 5, 250_000), 120),
        ({"SubsecTimeOriginal": "٣"}, clock(2024, 7, 14, 10, 30, 5), 120),
        ({"DateTimeOriginal": "2024-07-14T10:30:05"}, clock(2024, 7, 14, 10, 30, 5), 120),
        ({"DateTimeOriginal": "2024:07:14 10:30:05-03:00"}, clock(2024, 7, 14, 10, 30, 5), -180),
        ({"DateTimeOriginal": "2024:07:14 10:30:05.5Z"}, clock(2024, 7, 14, 10, 30, 5, 500_000), 0),
        ({"DateTimeOriginal": "2003: 7: 4  9: 5: 3"}, clock(2003, 7, 4, 9, 5, 3), 120),
        ({"DateTimeOriginal": "2024:07:14 10:30"}, clock(2024, 7, 14, 10, 30), 120),
        ({"DateTimeOriginal": "2024:07:14"}, clock(2024, 7, 14), 120),
        ({"DateTimeOriginal": "2024:07:14   :  :  "}, clock(2024, 7, 14), 120),
        ({"DateTimeOriginal": "2015:08:22 24:08:19"}, clock(2015, 8, 23, 0, 8, 19), 120),
        ({"DateTimeOriginal": "2024:12:31 23:59:60"}, clock(2025, 1, 1), 120),
        ({"DateTimeOriginal": "2024:07:14 25:00:00"}, None, None),
        ({"DateTimeOriginal": "0000:00:00 00:00:00"}, None, None),
        ({"DateTimeOriginal": "2024:13:40 10:30:05"}, None, None),
        ({"DateTimeOriginal": "yesterday"}, None, None),
        ({"DateTimeOriginal": "0001:01:01 00:00:00"}, None, None),
        ({"DateTimeOriginal": "9999:12:31 24:00:00"}, None, None),
        (
            {"DateTimeOriginal": None, "DateTimeDigitized": "2001:02:03 04:05:06", "DateTime": "2020:01:01 00:00:00"},
            clock(2001, 2, 3, 4, 5, 6),
            None,
        ),
        ({"DateTimeOriginal": None, "DateTime": "2020:01:01 00:00:00"}, clock(2020, 1, 1), None),
        # OffsetTime alone is about the moment at which the file was written.
        ({"OffsetTimeOriginal": None, "OffsetTime": "+02:00"}, clock(2024, 7, 14, 10, 30, 5), 120),
        (
            {"OffsetTimeOriginal": None, "OffsetTime": "+02:00", "DateTime": "2024:07:14 10:30:05"},
            clock(2024, 7, 14, 10, 30, 5),
            120,
        ),
        (
            {"OffsetTimeOriginal": None, "OffsetTime": "+02:00", "DateTime": "2025:01:01 00:00:00"},
            clock(2024, 7, 14, 10, 30, 5),
            None,
        ),
        ({"DateTimeOriginal": None, "GPSDateStamp": "2021:06:05"}, clock(2021, 6, 5), None),
        (
            {"DateTimeOriginal": None, "GPSDateStamp": "2021:06:05", "GPSTimeStamp": (21.0, 30.0, 7.9)},
            clock(2021, 6, 5, 21, 30, 7),
            0,
        ),
        ({"DateTimeOriginal": None, "GPSTimeStamp": (21.0, 30.0, 7.9)}, None, None),
    ],
)
def test_when_a_picture_was_taken(changes, taken_at, offset):
    metadata = read(pictures.with_exif(**changes))
    assert (metadata.taken_at, metadata.taken_offset) == (taken_at, offset)


NOT_A_NUMBER = TiffImagePlugin.IFDRational(0, 0)


@pytest.mark.parametrize(
    ("changes", "location"),
    [
        ({"GPSLatitudeRef": "N", "GPSLongitudeRef": "W"}, (33.8566667, -151.215)),
        ({"GPSLatitude": None}, (None, None)),
        ({"GPSLongitude": None}, (None, None)),
        ({"GPSLatitude": (91.0, 0.0, 0.0)}, (None, None)),
        ({"GPSLongitude": (180.0, 30.0, 0.0)}, (None, None)),
        ({"GPSLatitude": (33.0, NOT_A_NUMBER, 0.0)}, (None, None)),
        ({"GPSLatitude": (48.0, 51.3, NOT_A_NUMBER), "GPSLatitudeRef": "N"}, (48.855, 151.215)),
        ({"GPSLatitude": (48.855, NOT_A_NUMBER, NOT_A_NUMBER), "GPSLatitudeRef": "N"}, (48.855, 151.215)),
        ({"GPSLatitude": (NOT_A_NUMBER, 51.3, 0.0)}, (None, None)),
        ({"GPSLatitude": (0.0, 0.0, 0.0), "GPSLongitude": (0.0, 0.0, 0.0)}, (None, None)),
        ({"GPSLatitude": (0.0, 0.0, 0.0)}, (0.0, 151.215)),
        ({"GPSLatitude": (33.5,), "GPSLatitudeRef": "S"}, (None, None)),  # one number is no tuple when read
    ],
)
def test_where_a_picture_was_taken(changes, location):
    metadata = read(pictures.with_exif(**changes))
    assert (metadata.latitude, metadata.longitude) == location


@pytest.mark.parametrize(
    ("changes", "values"),
    [
        ({"ExposureTime": 0.5}, {"exposure": "0.5 s"}),
        ({"ExposureTime": 30.0}, {"exposure": "30 s"}),
        ({"ExposureTime": 0.0}, {"exposure": ""}),
        ({"FNumber": NOT_A_NUMBER}, {"aperture": ""}),
        ({"FNumber": 11.0}, {"aperture": "f/11"}),
        ({"ISOSpeedRatings": 0}, {"iso": None}),
        ({"FocalLength": 4.25}, {"focal_length": "4.25 mm"}),
        ({"Make": "  NIKON\tCORPORATION  "}, {"camera_make": "NIKON CORPORATION"}),
        ({"Make": "Caméra".encode()}, {"camera_make": "Caméra"}),
        ({"Make": "Caméra".encode("latin-1")}, {"camera_make": "Caméra"}),
        ({"Make": "x" * 5000}, {"camera_make": "x" * 100}),
    ],
)
def test_values_as_shown(changes, values):
    metadata = read(pictures.with_exif(**changes))
    assert {name: getattr(metadata, name) for name in values} == values


def test_html_stays_the_text_it_is_and_control_characters_go():
    metadata = read(pictures.exif_with_html())
    assert metadata.camera_make == "<script>alert(1)</script>"
    assert metadata.camera_model == "a"  # a NUL ends the text
    assert metadata.lens == "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "heic"])
@pytest.mark.parametrize(
    "exif",
    [
        pictures.full_exif()[:14] + b"\xff" * 40 + pictures.full_exif()[54:],
        pictures.full_exif()[:40],
        b"Exif\0\0" + bytes(50),
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"nonsense",
    ],
    ids=["garbled", "cut", "zeros", "points outside", "nonsense"],
)
def test_broken_exif_does_not_fail_the_picture(form, exif):
    examined = examine(BytesIO(pictures.encoded(pictures.quadrants(), form, exif=exif)), name="picture")
    assert (examined.width, examined.height, examined.metadata.taken_at) == (160, 120, None)


def test_each_value_of_a_wrong_type_costs_only_itself():
    wrong = dict.fromkeys((ExifTags.Base.ISOSpeedRatings, ExifTags.Base.FNumber, ExifTags.Base.ExposureTime), "x")
    image = Image.new("RGB", (8, 8))
    exif = image.getexif()
    exif.update({ExifTags.Base.Orientation: "up", ExifTags.Base.Make: 7, ExifTags.Base.Model: "EOS"})
    exif.get_ifd(ExifTags.IFD.Exif).update(wrong)
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({ExifTags.GPS.GPSLatitude: "north", ExifTags.GPS.GPSLongitude: (None,)})
    assert read_metadata(image) == ImageMetadata(camera_model="EOS")


@pytest.mark.parametrize(("reference", "expected"), [("S", -33.8566667), ("N", -33.8566667), ("", -33.8566667)])
def test_a_sign_in_the_degrees_counts_once(reference, expected):
    parts = (TiffImagePlugin.IFDRational(-33), TiffImagePlugin.IFDRational(51), TiffImagePlugin.IFDRational(24))
    assert _degrees(parts, reference, limit=90) == expected


XMP_ON_ITS_SIDE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


@pytest.mark.parametrize("form", ["jpeg", "webp", "png"])
def test_an_orientation_in_xmp_alone_is_ignored_as_browsers_do(form):
    options = {"xmp": XMP_ON_ITS_SIDE} if form != "png" else {"pnginfo": _text_chunk(XMP_ON_ITS_SIDE)}
    examined = examine(BytesIO(pictures.encoded(pictures.quadrants(), form, **options)), name="picture")
    assert (examined.width, examined.height, examined.metadata.orientation) == (160, 120, 1)


def _text_chunk(packet: bytes):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode())
    return info
