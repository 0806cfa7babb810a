"""Values as strings, ratios as classes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from analysis.web import aspect_ratios, links


@pytest.mark.parametrize(
    ("value", "step"), [(100, "sure"), (90, "sure"), (89.9, "likely"), (70, "likely"), (69.9, "unsure")]
)
def test_confidence_has_three_steps(value, step):
    assert links.confidence_level(value) == step


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
