"""Numbers of camera settings from their texts."""

import pytest

from analysis.ingest.camera_numbers import exposure_seconds, f_number, millimeters


@pytest.mark.parametrize(
    ("read", "text", "number"),
    [
        (exposure_seconds, "1/250 s", 1 / 250),
        (exposure_seconds, "2.5 s", 2.5),
        (exposure_seconds, "1e+03 s", 1000.0),
        (exposure_seconds, "", None),
        (exposure_seconds, "1/0 s", None),
        (exposure_seconds, "fast", None),
        (f_number, "f/2.8", 2.8),
        (f_number, "f/8", 8.0),
        (f_number, "2.8", None),
        (f_number, "f/1e999", None),
        (millimeters, "35 mm", 35.0),
        (millimeters, "4.25 mm", 4.25),
        (millimeters, "1.2.3 mm", None),
        (millimeters, "-5 mm", None),
    ],
)
def test_numbers_are_read_from_the_texts_of_exif(read, text, number):
    assert read(text) == number
