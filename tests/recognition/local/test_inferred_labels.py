from __future__ import annotations

import numpy as np
import pytest

from analysis.recognition.local import inferred_labels
from analysis.recognition.local.colors import Quality
from analysis.recognition.local.faces import Face
from analysis.recognition.local.text import Line

COLORFUL = np.full((400, 600, 3), (200, 120, 40), dtype=np.uint8)
PAPER = np.full((400, 600, 3), (250, 240, 222), dtype=np.uint8)


def face(height, confidence=96.0):
    return Face(10, 10, height, height, confidence, Quality(50, 50, 50))


def line(width=500, height=30, top=0, confidence=99.0):
    corners = ((0.0, top), (width, top), (width, top + height), (0.0, top + height))
    return Line("some text", corners, confidence, ())


def detected(rgb=COLORFUL, faces=(), lines=()):
    return inferred_labels.find(rgb, faces=tuple(faces), lines=tuple(lines))


def test_no_labels_without_faces_and_text():
    assert detected() == {}


@pytest.mark.parametrize(("height", "expected"), [(49, None), (50, 72.0), (100, 96.0), (300, 96.0)])
def test_portrait_is_one_large_face(height, expected):
    assert detected(faces=[face(height)]).get("Portrait") == expected


def test_two_faces_are_not_a_portrait():
    assert detected(faces=[face(150), face(140, 88.0)]) == {"Face": 96.0, "Head": 96.0, "Person": 96.0}


def test_group_has_the_confidence_of_its_weakest_member():
    group = detected(faces=[face(50, 99.0), face(50, 95.0), face(50, 85.0)])
    crowd = detected(faces=[face(30, 99.0)] * 9 + [face(30, 81.0)])

    assert (group["Groupshot"], group.get("Crowd")) == (85.0, None)
    assert (crowd["Groupshot"], crowd["Crowd"]) == (99.0, 81.0)


def test_labels_are_sorted_by_confidence():
    assert list(detected(faces=[face(60, 96.0)], lines=[line(confidence=99.0)])) == [
        *("Text", "Face", "Head", "Person", "Photography", "Portrait")
    ]


def test_document_is_much_text_on_a_light_background():
    lines = [line(top=40 * number) for number in range(6)]

    assert detected(PAPER, lines=lines) == {"Text": 99.0, "Document": pytest.approx(92.5)}
    assert detected(COLORFUL, lines=lines) == {"Text": 99.0}
    assert detected(PAPER, lines=lines[:4]) == {"Text": 99.0}
    assert detected(PAPER, lines=[line(width=150, top=40 * number) for number in range(6)]) == {"Text": 99.0}


def test_black_and_white_tolerates_jpeg_noise_only():
    gray = np.random.default_rng(1).integers(0, 256, (300, 300, 1), dtype=np.uint8).repeat(3, axis=2)
    with_a_ball = gray.copy()
    with_a_ball[:40, :40] = (200, 30, 30)

    assert detected(gray) == {"Black And White": 99.0}
    assert detected(with_a_ball) == {}


def test_ancestors_are_labels_themselves():
    for name, kind in inferred_labels.LABELS.items():
        assert set(kind.parents) <= set(inferred_labels.LABELS) - {name}
        grandparents = {grand for parent in kind.parents for grand in inferred_labels.LABELS[parent].parents}
        assert grandparents <= set(kind.parents)
