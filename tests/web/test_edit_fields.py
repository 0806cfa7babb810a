"""Dates, time zones, spans and coordinates as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analysis.curation.errors import ActionRefused
from analysis.web.edit_fields import coordinates_text, parse_clock, parse_coordinates, parse_offset

REFUSED = "refused"


def outcome(parse, text):
    try:
        return parse(text)
    except ActionRefused:
        return REFUSED


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (parse_clock, "2021-06-05T14:30:15", datetime(2021, 6, 5, 14, 30, 15, tzinfo=UTC)),
        (parse_clock, " 2021-06-05 14:30 ", datetime(2021, 6, 5, 14, 30, tzinfo=UTC)),
        (parse_clock, "2021-06-05", datetime(2021, 6, 5, tzinfo=UTC)),
        (parse_clock, "2021-06-05T14:30+02:00", datetime(2021, 6, 5, 14, 30, tzinfo=UTC)),
        (parse_clock, "", None),
        (parse_clock, "0000-01-01", REFUSED),
        (parse_clock, "275760-09-13T00:00", REFUSED),
        (parse_clock, "5.6.2021", REFUSED),
        (parse_offset, "+02:00", 120),
        (parse_offset, "-3", -180),
        (parse_offset, "UTC+05:30", 330),
        (parse_offset, "\u22120930", -570),
        (parse_offset, "z", 0),
        (parse_offset, " ", None),
        (parse_offset, "+02:60", REFUSED),
        (parse_offset, "CET", REFUSED),
        (parse_coordinates, "48.8584, 2.2945", (48.8584, 2.2945)),
        (parse_coordinates, "-1.5 -2", (-1.5, -2.0)),
        (parse_coordinates, "", (None, None)),
        (parse_coordinates, "48.8584", REFUSED),
        (parse_coordinates, "1e9, 2", REFUSED),
        (parse_coordinates, "\u0661, 2", REFUSED),
    ],
)
def test_typed_values(parse, text, expected):
    assert outcome(parse, text) == expected


def test_coordinates_are_written_as_they_are_read():
    assert coordinates_text(48.10, -0.0000001) == "48.1, -0"
    assert coordinates_text(None, 2.0) == ""
