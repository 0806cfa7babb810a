"""Options of exports: what is stored, and what is refused."""

from __future__ import annotations

from typing import get_args

import pytest

from analysis.api import exports
from analysis.exports.annotated_picture import CONTRAST, PALETTES, Style
from analysis.exports.formats import FORMATS
from analysis.exports.image_rows import Options
from analysis.exports.options import InvalidOption, label_options, stored_options, style_of
from analysis.models import Label


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        ({}, {}),
        ({"labels": "", "min_confidence": None, "kinds": [], "columns": None, "line_width": 0, "palette": ""}, {}),
        ({"labels": "machine", "min_confidence": 80}, {"labels": "machine", "min_confidence": 80}),
        ({"kinds": ("tag", "face"), "columns": ("label",)}, {"kinds": ["tag", "face"], "columns": ["label"]}),
        ({"palette": "contrast", "line_width": 20}, {"palette": list(CONTRAST), "line_width": 20}),
        ({"position": "bottom", "q": "dog", "name": "Dogs"}, {"position": "bottom"}),
    ],
)
def test_options_are_stored_without_defaults(values, stored):
    assert stored_options(values) == stored


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"labels": "mine"}, "labels"),
        ({"kinds": ["tag", "smell"]}, "kinds"),
        ({"columns": ["secret"]}, "columns"),
        ({"position": "left"}, "position"),
        ({"palette": "pink"}, "palette"),
        ({"min_confidence": -1}, "min_confidence"),
        ({"min_confidence": float("nan")}, "min_confidence"),
        ({"line_width": 21}, "line_width"),
    ],
)
def test_impossible_options_are_named(values, option):
    with pytest.raises(InvalidOption, match=f"^{option}\\b") as error:
        stored_options(values)
    assert error.value.option == option


def test_stored_options_are_read_back():
    stored = stored_options({"labels": "person", "kinds": ["tag"], "min_confidence": 5, "line_width": 7})
    assert label_options(stored) == Options("person", 5, frozenset({"tag"}))
    assert style_of(stored) == Style(line_width=7)
    assert (label_options({}), style_of({})) == (Options(), Style())


def test_the_api_names_every_choice():
    assert get_args(exports.FormatName) == tuple(FORMATS)
    assert set(get_args(exports.Kind)) == set(Label.Kind.values)
    assert get_args(exports.PaletteName) == tuple(PALETTES)
