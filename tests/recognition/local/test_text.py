from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from analysis.recognition.local import text as local_text
from tests.recognition import sample_pictures

CORNERS = ((0.0, 0.0), (100.0, 10.0), (100.0, 30.0), (0.0, 20.0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("exit", True), ("A4", True), ("出口", True), ("No", True)),
        *(("8", False), ("O", False), ("0000", False), ("oO", False), ("★", False), ("--", False), ("", False)),
    ],
)
def test_texture_is_not_read_as_text(text, expected):
    assert local_text._is_legible(text) is expected


def test_word_boxes_are_estimated_from_letters():
    line = local_text._line("ab  cdefg", 0.9, CORNERS, [])

    assert line.text == "ab cdefg"
    assert [(word.text, word.confidence) for word in line.words] == [("ab", 90.0), ("cdefg", 90.0)]
    first, second = line.words
    assert first.corners == ((0, 0), (25, 2.5), (25, 22.5), (0, 20))
    assert second.corners == ((37.5, 3.75), (100, 10), (100, 30), (37.5, 23.75))


def test_word_boxes_of_the_reader_are_used_if_words_match():
    corners = [[0, 0], [20, 0], [20, 10], [0, 10]]
    line = local_text._line("ab cd", 0.9, CORNERS, [("ab", 0.95, corners), ("cd", 0.85, corners)])

    assert [(word.text, round(word.confidence)) for word in line.words] == [("ab", 95), ("cd", 85)]
    assert line.words[0].corners == ((0, 0), (20, 0), (20, 10), (0, 10))


def test_tallest_text_is_read_first():
    def box(top, width, height):
        return [[0, top], [width, top], [width, top + height], [0, top + height]]

    tall, small = box(0, 20_000, 20), box(50, 14_000, 10)
    on_its_side = box(100, 15, 300)
    boxes = np.array([small, on_its_side, tall], dtype=np.float32)

    # 48,000 pixels at the height of reading, 67,200, and 960: the two small ones and the tall one are too much.
    assert local_text._readable(boxes) == [1, 2]


def test_vertical_text_is_read():
    with Image.open(io.BytesIO(sample_pictures.sign())) as image:
        turned = image.rotate(-90, expand=True)

    assert sorted(line.text for line in local_text.find(np.asarray(turned))) == ["Harbor 24", "KEEP LEFT"]


def test_models_of_the_wheel_are_used():
    """A model given by name would be downloaded if its file were missing."""
    settings = local_text.reader().cfg

    assert [settings[part].model_path.rpartition("/")[2] for part in ("Det", "Rec")] == [
        "PP-OCRv6_det_small.onnx",
        "PP-OCRv6_rec_small.onnx",
    ]


def page(lines: int, *, size=(540, 3000), at=60) -> np.ndarray:
    """A long screenshot: one line of text after another, far apart."""
    picture = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(24)
    for number in range(lines):
        draw.text((at, 60 + number * (size[1] - 200) // lines), f"Message number {number + 101}", "black", font=font)
    return np.asarray(picture)


def test_text_of_a_very_long_picture_is_read():
    lines = local_text.find(page(8))

    assert [line.text for line in lines] == [f"Message number {number + 101}" for number in range(8)]


def test_line_across_tiles_is_one_line():
    picture = Image.new("RGB", (3000, 400), "white")
    sentence = " ".join(f"station {number}" for number in range(11, 25))
    ImageDraw.Draw(picture).text((60, 150), sentence, "black", font=ImageFont.load_default(36))

    (line,) = local_text.find(np.asarray(picture))
    assert line.text == sentence
