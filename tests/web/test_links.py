"""Values as strings, ratios as classes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from analysis.web import aspect_ratios, links

NOW = datetime(2026, 5, 3, 14, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(("value", "said"), [(0, "0"), (89.99, "89"), (90, "90"), (99.96, "99"), (100, "100")])
def test_percent_is_rounded_down_so_that_what_reads_90_is_found_by_90(value, said):
    assert links.percent(value) == f"{said}\u202f%"


@pytest.mark.parametrize(
    ("value", "step"), [(100, "sure"), (90, "sure"), (89.9, "likely"), (70, "likely"), (69.9, "unsure")]
)
def test_confidence_has_three_steps(value, step):
    assert links.confidence_level(value) == step


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 pictures"),
        (1, "1 picture"),
        (1204, "1,204 pictures"),
        (10_000, "10,000 pictures"),
        (10_001, "10,000+ pictures"),
    ],
)
def test_numbers_say_where_they_were_capped(number, said):
    assert links.pictures(number) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (12_345, "12 kB"),
        (999_600, "1.0 MB"),
        (104_857_600, "105 MB"),
    ],
)
def test_sizes(value, said):
    assert links.size(value) == said


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=7), "7 days ago"),
        (timedelta(days=8), "25 April 2026"),
    ],
)
def test_how_long_ago(before, said):
    assert links.ago(NOW - before, now=NOW) == said


def test_the_exact_time_names_its_zone():
    assert links.exact(NOW) == "3 May 2026, 14:05:09 UTC"


def test_every_shape_has_a_class_and_is_hardly_off():
    rules = (rule for rule in aspect_ratios.stylesheet().splitlines() if rule.startswith("."))
    steps = {
        name: float(rest.removesuffix("; }"))
        for name, _, rest in (rule[1:].partition(" { --ratio: ") for rule in rules)
    }
    off = [
        steps[aspect_ratios.ratio_class(width, 100)] / min(max(width / 100, 0.4), 3.17) - 1
        for width in [*range(1, 400), 10_000]
    ]
    assert max(off) < 0.016
    assert min(off) > -0.016


def test_the_stylesheet_is_the_one_that_was_written():
    written = Path(settings.BASE_DIR, "analysis/static/analysis/css/aspect_ratios.css").read_text()
    assert written == aspect_ratios.stylesheet()
