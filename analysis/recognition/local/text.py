"""Reads text with RapidOCR and the models in its wheel, without network."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.recognition.local import tiles

# Pixels of the long side in which text is detected: finds 12-pixel type in a payload of 2,048 pixels. 1,280 would take
# twice the time and memory. Detected text is read at full size.
SIDE = 960
MIN_SCORE = 0.85  # at lower scores, textures are read as "0000" and rotated letters as words
THREADS = 2

Corners = tuple[tuple[float, float], ...]

# Reading takes about 0.14 ms per pixel of length at this height: at most 15 s of one core for the densest page.
READ_HEIGHT = 48
MAX_READ_LENGTH = 100_000
MAX_TILES_READ = 4  # factor on the limit for a very long image, which is read in tiles

lock = threading.Lock()  # RapidOCR's engine keeps the state of the current image


@dataclass(frozen=True)
class Word:
    """Text, corners in pixels, clockwise from its top left, confidence in percent."""

    text: str
    corners: Corners
    confidence: float


@dataclass(frozen=True)
class Line(Word):
    words: tuple[Word, ...]


def find(rgb: NDArray[np.uint8]) -> tuple[Line, ...]:
    """Lines of text from top to bottom; `rgb` is height x width x 3."""
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    with lock:
        engine = reader()
        boxes = tiles.boxes_in(bgr, _boxes)
        if len(boxes) == 0:
            return ()
        parts = len(tiles.tiles_of((bgr.shape[1], bgr.shape[0])))
        boxes = boxes[_readable(boxes, maximum=MAX_READ_LENGTH * min(parts, MAX_TILES_READ))]
        crops = engine.crop_text_regions(bgr, boxes)
        read = engine.recognize_txt(crops)
        legible = [
            index
            for index, (text, score) in enumerate(zip(read.txts, read.scores, strict=True))
            if score >= MIN_SCORE and _is_legible(text)
        ]
        read.txts = [read.txts[index] for index in legible]
        read.scores = [read.scores[index] for index in legible]
        read.word_results = [read.word_results[index] for index in legible]
        words = engine.cal_rec_boxes([crops[index] for index in legible], boxes[legible], read).word_results
    lines = zip(read.txts, read.scores, boxes[legible], words, strict=True)
    return tuple(_line(text, score, _corners(box), parts) for text, score, box, parts in lines)


def _boxes(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Detect text without reading it, since the caller first limits what is read."""
    boxes = reader()(bgr).boxes
    return np.zeros((0, 4, 2), dtype=np.float32) if boxes is None else np.asarray(boxes, dtype=np.float32)


def _readable(boxes: NDArray[np.float32], *, maximum: int = MAX_READ_LENGTH) -> list[int]:
    """Indexes of the boxes to read within the limit.

    The tallest text has priority, so a dense page loses footnotes.
    """
    widths = np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1)
    heights = np.maximum(np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1), 1)
    short, long = np.minimum(widths, heights), np.maximum(widths, heights)  # RapidOCR rotates vertical text first
    order = np.argsort(-short, kind="stable")
    costs = np.cumsum((READ_HEIGHT * long / short)[order])
    return sorted(order[costs <= maximum].tolist())


def _is_legible(text: str) -> bool:
    """True with two different letters or digits; others are mostly rings and bars."""
    return len({character.lower() for character in text if character.isalnum()}) >= 2


def _line(text: str, score: float, corners: Corners, parts: Any) -> Line:
    words = tuple(_words(text, corners, score, parts))
    return Line(" ".join(word.text for word in words), corners, score * 100, words)


def _words(text: str, corners: Corners, score: float, parts: Any) -> Iterator[Word]:
    """Words of a line, with corners by RapidOCR or else estimated."""
    words = text.split()
    if [part[0] for part in parts if len(part) == 3 and part[2]] == words:
        for word, word_score, box in parts:
            yield Word(word, _corners(box), word_score * 100)
        return
    ends = list(accumulate(len(word) + 1 for word in words))
    for word, end in zip(words, ends, strict=True):
        start, stop = (end - 1 - len(word)) / (ends[-1] - 1), (end - 1) / (ends[-1] - 1)
        yield Word(word, _slice(corners, start, stop), score * 100)


def _slice(corners: Corners, start: float, stop: float) -> Corners:
    """The corners of the part of a line between two fractions of its length."""
    top_left, top_right, bottom_right, bottom_left = corners
    return (
        _between(top_left, top_right, start),
        _between(top_left, top_right, stop),
        _between(bottom_left, bottom_right, stop),
        _between(bottom_left, bottom_right, start),
    )


def _between(one: tuple[float, float], other: tuple[float, float], share: float) -> tuple[float, float]:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def _corners(box: Any) -> Corners:
    return tuple((float(x), float(y)) for x, y in box)


def reader() -> Any:
    """RapidOCR's engine of this process."""
    # By process: a forked child needs its own, since the parent's threads do not exist in it, and deleting the parent's
    # engine would wait for them.
    return _reader_of(os.getpid())


@cache
def _reader_of(process: int) -> Any:  # noqa: ARG001
    import rapidocr  # takes a second to import

    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,  # pictures arrive upright
            "Global.use_rec": False,
            "Global.return_word_box": True,
            "Global.max_side_len": 4096,  # larger than any payload: no downscaling
            # By path: a model given by name is downloaded if its file is missing or changed.
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "Det.limit_type": "max",
            "Det.limit_side_len": SIDE,
            "Det.max_candidates": 300,
            # One at a time and without padding to 320 pixels, which takes a third of the time for short words.
            "Rec.rec_batch_num": 1,
            "Rec.rec_img_shape": [3, READ_HEIGHT, 2 * READ_HEIGHT],
            "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
