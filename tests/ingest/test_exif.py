from datetime import UTC, datetime
from io import BytesIO

import pytest
from PIL import ExifTags, Image, TiffImagePlugin

from analysis.ingest.examine import examine
from analysis.ingest.exif import ImageMetadata, read_metadata
from tests import pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def read(content: bytes) -> ImageMetadata:
    return examine(BytesIO(content), name="picture").metadata


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff", "heic", "avif"])
def test_a_cameras_values_are_read_from_every_format_that_carries_them(form):
    assert read(pictures.with_exif(form)) == ImageMetadata(
        taken_at=datetime(2024, 7, 14, 8, 30, 5, tzinfo=UTC),
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


@pytest.mark.parametrize(
    ("changes", "taken_at"),
    [
        ({}, datetime(2024, 7, 14, 8, 30, 5, tzinfo=UTC)),
        ({"OffsetTimeOriginal": "-05:30"}, datetime(2024, 7, 14, 16, 0, 5, tzinfo=UTC)),
        ({"OffsetTimeOriginal": None}, datetime(2024, 7, 14, 10, 30, 5, tzinfo=UTC)),
        ({"OffsetTimeOriginal": "   :  "}, datetime(2024, 7, 14, 10, 30, 5, tzinfo=UTC)),
        ({"OffsetTimeOriginal": "+99:99"}, datetime(2024, 7, 14, 10, 30, 5, tzinfo=UTC)),
        ({"SubsecTimeOriginal": "25"}, datetime(2024, 7, 14, 8, 30, 5, 250_000, tzinfo=UTC)),
        ({"SubsecTimeOriginal": "٣"}, datetime(2024, 7, 14, 8, 30, 5, tzinfo=UTC)),
        ({"DateTimeOriginal": "2024-07-14T10:30:05"}, datetime(2024, 7, 14, 8, 30, 5, tzinfo=UTC)),
        ({"DateTimeOriginal": "0000:00:00 00:00:00"}, None),
        ({"DateTimeOriginal": "2024:13:40 10:30:05"}, None),
        ({"DateTimeOriginal": "yesterday"}, None),
        ({"DateTimeOriginal": "0001:01:01 00:00:00"}, None),
        ({"DateTimeOriginal": "9999:12:31 23:59:59", "OffsetTimeOriginal": "-12:00"}, None),
        (
            {"DateTimeOriginal": None, "DateTimeDigitized": "2001:02:03 04:05:06", "DateTime": "2020:01:01 00:00:00"},
            datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC),
        ),
        ({"DateTimeOriginal": None, "DateTime": "2020:01:01 00:00:00"}, datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_when_a_picture_was_taken(changes, taken_at):
    assert read(pictures.with_exif(**changes)).taken_at == taken_at


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
        ({"GPSLatitude": (0.0, 0.0, 0.0), "GPSLongitude": (0.0, 0.0, 0.0)}, (None, None)),
        ({"GPSLatitude": (0.0, 0.0, 0.0)}, (0.0, 151.215)),
        ({"GPSLatitude": (33.5,), "GPSLatitudeRef": "S"}, (None, None)),  # one number is no tuple when read
    ],
)
def test_where_a_picture_was_taken(changes, location):
    metadata = read(pictures.with_exif(**changes))
    assert (metadata.latitude, metadata.longitude) == location


@pytest.mark.parametrize(
    ("changes", "shown"),
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
def test_values_as_shown(changes, shown):
    metadata = read(pictures.with_exif(**changes))
    assert {name: getattr(metadata, name) for name in shown} == shown


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
