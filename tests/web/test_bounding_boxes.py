"""Boxes and their tags, as plain geometry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.models import Image
from analysis.recognition.responses import Box, DetectedFace, DetectedText, Instance, LabelResult
from analysis.web.image.bounding_boxes import Rect, drawing, place_tags, tag_width

FRAME = Rect(0, 0, 1000, 700)


def a_label(name="Dog", *boxes: Box, confidence=98.0) -> LabelResult:
    return LabelResult(name, confidence, instances=tuple(Instance(box, confidence) for box in boxes))


def drawn(*labels: LabelResult, texts=(), faces=(), width=1000, height=700):
    return drawing(Image(width=width, height=height), labels=labels, faces=faces, texts=texts)


def test_a_box_beyond_the_picture_is_drawn_within_it():
    mark = drawn(a_label("Dog", Box(-0.5, 0.5, 1.0, 0.9))).boxes[0]
    assert (mark.x, mark.y, mark.width, mark.height) == ("0.0", "350.0", "500.0", "350.0")


@pytest.mark.parametrize(
    ("size", "view_box", "width"),
    [
        ((4000, 3000), "0 0 1000.0 750.0", "1600"),
        ((3000, 4000), "0 0 750.0 1000.0", "1200"),
        ((40, 30), "0 0 1000.0 750.0", "60"),
    ],
)
def test_the_longer_side_is_a_thousand_units(size, view_box, width):
    found = drawn(width=size[0], height=size[1])
    assert (found.view_box, found.display_width) == (view_box, width)


def test_small_boxes_lie_over_large_ones():
    marks = drawn(a_label("Small", Box(0.4, 0.4, 0.1, 0.1)), a_label("Large", Box(0, 0, 1, 1))).boxes
    assert [mark.tag.split()[0] for mark in marks] == ["Large", "Small"]


def test_each_label_has_its_color_and_its_instances_share_it():
    marks = drawn(a_label("A", Box(0, 0, 0.3, 0.3), Box(0.5, 0, 0.2, 0.2)), a_label("B", Box(0, 0.5, 0.1, 0.1))).boxes
    assert [(mark.tag[0], mark.color) for mark in marks] == [("A", "0"), ("A", "0"), ("B", "1")]


def test_text_is_outlined_without_a_tag():
    text = DetectedText("EXIT", is_line=True, confidence=80, box=Box(0.1, 0.1, 0.2, 0.1), polygon=())
    assert [(mark.tag, mark.color, mark.keys) for mark in drawn(texts=[text]).boxes] == [("", "text", "text-0")]


def test_faces_apart_from_a_labels_box_keep_their_own():
    face = DetectedFace(Box(0.7, 0.1, 0.1, 0.1), 99.0, None, None, None, None, {}, (), None)
    marks = drawn(a_label("Face", Box(0.1, 0.1, 0.1, 0.1)), faces=[face]).boxes
    assert [mark.keys for mark in marks] == ["label-0", "face-0"]


def test_a_long_name_is_cut_in_the_picture():
    tag = drawn(a_label("Very " * 30, Box(0, 0, 1, 1))).boxes[0].tag
    assert tag == "Very Very Very Very Very Very V… 98\u202f%"


def test_tags_of_boxes_in_one_place_stand_apart():
    boxes = [(Rect(300, 300, 200, 150), 100.0)] * 6
    placed = place_tags(boxes, FRAME)
    assert [one.overlap(other) for index, one in enumerate(placed) for other in placed[:index]] == [0.0] * 15


sides = st.floats(0, 600, allow_nan=False)
rectangles = st.builds(Rect, sides, sides, st.floats(1, 400), st.floats(1, 100))


@given(st.lists(st.tuples(rectangles, st.floats(20, 300)), max_size=30))
def test_tags_stay_within_the_picture(boxes):
    assert [FRAME.contains(tag) for tag in place_tags(boxes, FRAME)] == [True] * len(boxes)


@given(rectangles, rectangles)
def test_likeness_is_a_share(one, other):
    assert one.iou(one) == pytest.approx(1)
    assert one.iou(other) == pytest.approx(other.iou(one))
    assert 0 <= one.iou(other) <= 1 + 1e-9


def test_a_tag_is_as_wide_as_its_words():
    assert tag_width("Dog 98 %") == pytest.approx(8 * 6.4 + 10)


def test_boxes_in_a_picture_that_was_filled_up_are_where_the_thing_is():
    """40 px high, so the recognizer was sent 80: the lower half of what it saw is not the picture."""
    mark = drawn(a_label("Dog", Box(0.5, 0.25, 0.1, 0.25)), width=400, height=40).boxes[0]
    assert (mark.x, mark.y, mark.width, mark.height) == ("500.0", "50.0", "100.0", "50.0")
