"""Boxes and their tags, as plain geometry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.models import Image
from analysis.recognition.responses import Box, DetectedFace, DetectedText, Instance, LabelResult
from analysis.web.image.bounding_boxes import drawing
from analysis.web.image.box_geometry import Rect
from analysis.web.image.box_tags import place_tags, tag_width

FRAME = Rect(0, 0, 1000, 700)


def a_label(name="Dog", *boxes: Box, confidence=98.0) -> LabelResult:
    return LabelResult(name, confidence, instances=tuple(Instance(box, confidence) for box in boxes))


def drawn(*labels: LabelResult, texts=(), faces=(), width=1000, height=700):
    return drawing(Image(width=width, height=height), labels=labels, faces=faces, texts=texts)


def test_box_outside_the_picture_is_clamped():
    box = drawn(a_label("Dog", Box(-0.5, 0.5, 1.0, 0.9))).boxes[0]
    assert (box.x, box.y, box.width, box.height) == ("0.0", "350.0", "500.0", "350.0")


@pytest.mark.parametrize(
    ("size", "view_box", "width"),
    [
        ((4000, 3000), "0 0 1000.0 750.0", "1600"),
        ((3000, 4000), "0 0 750.0 1000.0", "1200"),
        ((40, 30), "0 0 1000.0 750.0", "60"),
    ],
)
def test_longer_side_is_a_thousand_units(size, view_box, width):
    result = drawn(width=size[0], height=size[1])
    assert (result.view_box, result.display_width) == (view_box, width)


def test_small_boxes_are_drawn_over_large_ones():
    marks = drawn(a_label("Small", Box(0.4, 0.4, 0.1, 0.1)), a_label("Large", Box(0, 0, 1, 1))).boxes
    assert [box.tag.split()[0] for box in marks] == ["Large", "Small"]


def test_instances_of_a_label_share_its_color():
    marks = drawn(a_label("A", Box(0, 0, 0.3, 0.3), Box(0.5, 0, 0.2, 0.2)), a_label("B", Box(0, 0.5, 0.1, 0.1))).boxes
    assert [(box.tag[0], box.color) for box in marks] == [("A", "0"), ("A", "0"), ("B", "1")]


def test_text_is_outlined_without_a_tag():
    text = DetectedText("EXIT", is_line=True, confidence=80, box=Box(0.1, 0.1, 0.2, 0.1), polygon=())
    assert [(box.tag, box.color, box.keys) for box in drawn(texts=[text]).boxes] == [("", "text", "text-0")]


def test_distant_face_keeps_its_own_box():
    face = DetectedFace(Box(0.7, 0.1, 0.1, 0.1), 99.0, None, None, None, None, {}, (), None)
    marks = drawn(a_label("Face", Box(0.1, 0.1, 0.1, 0.1)), faces=[face]).boxes
    assert [box.keys for box in marks] == ["label-0", "face-0"]


def test_long_name_is_shortened_in_its_tag():
    tag = drawn(a_label("Very " * 30, Box(0, 0, 1, 1))).boxes[0].tag
    assert tag == "Very Very Very Very Very Very V… 98\u202f%"


@pytest.mark.parametrize("step", [0, 7])
def test_tags_of_overlapping_boxes_do_not_overlap(step):
    boxes = [(Rect(300, 300 + step * number, 200, 150), 100.0) for number in range(6)]
    placed = place_tags(boxes, FRAME)
    assert [one.overlap(other) for index, one in enumerate(placed) for other in placed[:index]] == [0.0] * 15


sides = st.floats(0, 600, allow_nan=False)
rectangles = st.builds(Rect, sides, sides, st.floats(1, 400), st.floats(1, 100))


@given(st.lists(st.tuples(rectangles, st.floats(20, 300)), max_size=30))
def test_tags_stay_within_the_picture(boxes):
    assert [FRAME.contains(tag) for tag in place_tags(boxes, FRAME)] == [True] * len(boxes)


@given(rectangles, rectangles)
def test_iou_is_between_zero_and_one(one, other):
    assert one.iou(one) == pytest.approx(1)
    assert one.iou(other) == pytest.approx(other.iou(one))
    assert 0 <= one.iou(other) <= 1 + 1e-9


def test_tag_width_follows_its_text():
    assert tag_width("Dog 98 %") == pytest.approx(8 * 6.4 + 10)


def test_boxes_of_a_padded_image_are_scaled_back():
    """40 px high, so an 80 px payload was sent: its lower half is padding."""
    box = drawn(a_label("Dog", Box(0.5, 0.25, 0.1, 0.25)), width=400, height=40).boxes[0]
    assert (box.x, box.y, box.width, box.height) == ("500.0", "50.0", "100.0", "50.0")
