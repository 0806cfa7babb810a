"""Objects and boxes of the prepared detector, and of detectors of one's own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from analysis.recognition.local import boxes, detector
from analysis.recognition.local.model_files import ModelUnavailable
from tests.recognition import sample_pictures
from tests.recognition.local import own_models
from tests.recognition.local.prepared import needs_detector

PICTURE = np.zeros((50, 100, 3), np.uint8)


@needs_detector
def test_objects_of_a_photograph():
    with Image.open(sample_pictures.DATA / "coffee.png") as image:
        objects = detector.detect(np.asarray(image))

    assert [(item.class_name, round(item.score, 1)) for item in objects] == [("cup", 1.0), ("dining table", 0.8)]
    cup = objects[0].box
    assert [cup.left, cup.top, cup.width, cup.height] == pytest.approx([0.29, 0.055, 0.4, 0.57], abs=0.02)


@needs_detector
@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (7, 300)])
def test_pictures_of_any_size(shape):
    for item in detector.detect(np.full((*shape, 3), 128, np.uint8)):
        assert min(item.box.left, item.box.top) >= 0
        assert max(item.box.left + item.box.width, item.box.top + item.box.height) <= 1 + 1e-6


def test_without_a_model_the_command_that_makes_it_is_named(tmp_path):
    with own_models.configured(folder=tmp_path):
        assert not detector.is_available()
        with pytest.raises(
            ModelUnavailable, match=r"ssdlite-mobilenet-v2 is not prepared\. Run `manage\.py prepare_mod"
        ):
            detector.detect(PICTURE)


def test_overlapping_boxes_of_a_class_are_one_object():
    scores = np.array([[0.9, 0], [0.8, 0], [0.7, 0], [0, 0.6], [0.2, 0]], np.float32)
    corners = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [0, 0, 0.2, 0.2], [0, 0, 1, 1], [0, 0, 1, 1]], np.float32)

    objects = [(index, round(score, 1)) for index, score, _ in boxes.best(scores, corners, minimum=0.3)]

    assert objects == [(0, 0.9), (0, 0.7), (1, 0.6)]


DESCRIPTION = """
kind = "detector"
classes = ["cat", "background", "pylon"]
[input]
size = [8, 8]
{input}
[output]
{output}
[labels]
pylon = "Traffic Light"
background = ""
"""
CAT = ("cat", 0.75, [0.25, 0.5, 0.5, 0.25])
LIGHT = ("Traffic Light", 0.5, [0.0, 0.0, 0.5, 1.0])


def detect(path, output: str, *, fit: str = "stretch", **outputs):
    description = DESCRIPTION.format(input=f'fit = "{fit}"', output=output)
    with own_models.configured(detector=own_models.write(path / "own.onnx", description, **outputs)):
        assert detector.is_available()
        objects = detector.detect(PICTURE)
    boxes_of = [[item.box.left, item.box.top, item.box.width, item.box.height] for item in objects]
    return [
        (item.class_name, round(item.score, 3), np.round(box, 3).tolist())
        for item, box in zip(objects, boxes_of, strict=True)
    ]


@pytest.mark.parametrize(
    ("output", "outputs"),
    [
        (  # a column of scores for each class
            'scores = "s"\nboxes = "b"',
            {
                "b": [[[0.25, 0.5, 0.75, 0.75], [0, 0, 0.5, 1], [0, 0, 1, 1]]],
                "s": [[[0.75, 0, 0], [0, 0, 0.5], [0, 0.9, 0]]],
            },
        ),
        (  # one score and the number of the class, in pixels of the input
            'scores = "s"\nboxes = "b"\nclasses = "c"\ncorners = "yxyx"\nunit = "pixels"',
            {"b": [[4, 2, 6, 6], [0, 0, 8, 4], [0, 0, 8, 8]], "s": [0.75, 0.5, 0.9], "c": [0, 2, 7]},
        ),
        (  # everything in rows, around the center, with the score of there being an object
            'predictions = "p"\ncorners = "cxcywh"\nhas_objectness = true',
            {"p": [[[0.5, 0.625, 0.5, 0.25, 0.75, 1, 0, 0], [0.25, 0.5, 0.5, 1, 1, 0, 0, 0.5]]]},
        ),
        (  # the same in columns, without it
            'predictions = "p"\ncorners = "cxcywh"',
            {"p": np.array([[0.5, 0.625, 0.5, 0.25, 0.75, 0, 0], [0.25, 0.5, 0.5, 1, 0, 0, 0.5]]).T[None]},
        ),
    ],
)
def test_own_detector_by_its_description(output, outputs, tmp_path):
    assert detect(tmp_path, output, **outputs) == [CAT, LIGHT]


def test_boxes_of_a_letterboxed_picture_are_those_of_the_picture(tmp_path):
    # The picture of 100 x 50 fills the upper half of the input.
    outputs = {"b": [[0.25, 0.25, 0.75, 0.375]], "s": [[0.75, 0, 0]]}

    assert detect(tmp_path, 'scores = "s"\nboxes = "b"', fit="letterbox", **outputs) == [CAT]


@pytest.mark.parametrize(
    ("output", "outputs", "sentence"),
    [
        ('scores = "x"\nboxes = "b"', {"b": [[0, 0, 1, 1]], "s": [[1, 0, 0]]}, "has no output x. It has b, s."),
        (
            'scores = "s"\nboxes = "b"',
            {"b": [[0, 0, 1, 1]], "s": [[1, 0]]},
            "The output of own.onnx is 1 x 2, but by its description it should be 1 x 3.",
        ),
        (
            'predictions = "p"',
            {"p": [[[0, 0, 1, 1, 0.5]]]},
            "The output of own.onnx is 1 x 1 x 5, but by its description it should be 1 x n x 7.",
        ),
    ],
)
def test_model_that_is_not_as_described_is_refused_with_a_sentence(output, outputs, sentence, tmp_path):
    with pytest.raises(ModelUnavailable) as raised:
        detect(tmp_path, output, **outputs)
    assert sentence in str(raised.value)


def test_own_model_that_is_replaced_is_loaded_again(tmp_path):
    output = 'scores = "s"\nboxes = "b"'

    assert detect(tmp_path, output, b=[[0.25, 0.5, 0.75, 0.75]], s=[[0.75, 0, 0]]) == [CAT]
    assert detect(tmp_path, output, b=[[0, 0, 0.5, 1], [0, 0, 0, 0]], s=[[0, 0, 0.5], [0, 0, 0]]) == [LIGHT]
