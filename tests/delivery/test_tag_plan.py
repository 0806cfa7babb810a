"""Labels that become tags of an object."""

from __future__ import annotations

import pytest

from analysis.delivery.sink_options import TagOptions
from analysis.delivery.tag_plan import plan_tags

LABELS = [
    ("Dog", "label", 99.0),
    ("Explicit", "moderation", 95.0),
    ("Happy", "emotion", 94.0),
    ("Pet & Co", "label", 90.0),
    ("Unsure", "label", 60.0),
]
IMAGE = {"labels": [{"name": name, "kind": kind, "confidence": percent} for name, kind, percent in LABELS]}


@pytest.mark.parametrize(
    ("options", "before", "after", "omitted"),
    [
        ({}, {}, {"imagelib:Dog": "label", "imagelib:Explicit": "moderation", "imagelib:Pet - Co": "label"}, ()),
        ({"kinds": ("moderation",)}, {}, {"imagelib:Explicit": "moderation"}, ()),
        ({"labels": ("happy", "Dog", "Cat")}, {}, {"imagelib:Happy": "emotion", "imagelib:Dog": "label"}, ()),
        ({"min_confidence": 98}, {}, {"imagelib:Dog": "label"}, ()),
        ({"max_tags": 1}, {}, {"imagelib:Dog": "label"}, ()),
        ({"tag_prefix": "x/", "max_tags": 1}, {}, {"x/Dog": "label"}, ()),
        ({"min_confidence": 98}, {"imagelib:Old": "label", "a": "b"}, {"a": "b", "imagelib:Dog": "label"}, ()),
        ({"min_confidence": 100}, {"imagelib:Old": "label"}, {}, ()),
        ({"min_confidence": 98}, {str(n): "" for n in range(10)}, {str(n): "" for n in range(10)}, ("imagelib:Dog",)),
    ],
)
def test_tags_before_and_after(options, before, after, omitted):
    plan = plan_tags(before, IMAGE, TagOptions(**options))
    assert (plan.after, plan.omitted, plan.is_change) == (after, omitted, before != after)


def test_names_that_become_equal_are_one_tag():
    image = {"labels": [{"name": name, "kind": "tag", "confidence": 100.0} for name in ("a&b", "a!b")]}
    assert plan_tags({}, image, TagOptions(kinds=("tag",))).after == {"imagelib:a-b": "tag"}


def test_long_names_are_cut():
    image = {"labels": [{"name": "x" * 200, "kind": "label", "confidence": 99.0}]}
    [name] = plan_tags({}, image, TagOptions()).after
    assert name == "imagelib:" + "x" * 119
