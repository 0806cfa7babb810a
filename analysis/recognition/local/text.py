"""Lines and words by RapidOCR with the models in its wheel; it never reaches for the network."""

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

# Long side searched for text: at 2,048 pixels this still finds 12-pixel type; 1,280 takes twice the time and memory.
# What is found is read at full size.
SIDE = 960
LEAST_SCORE = 0.85  # below it textures turn into "0000" and letters on their side into words
THREADS = 2

Corners = tuple[tuple[float, float], ...]

# Reading costs some 0.14 ms a pixel of length at this height: at most about 15 s of one core for the densest page.
READ_HEIGHT = 48
MOST_READ = 100_000
MOST_TIMES = 4  # as much for a very long picture, which is read in tiles

reading = threading.Lock()  # RapidOCR keeps a picture's state in itself while reading


@dataclass(frozen=True)
class Word:
    """Text with its four corners in pixels, clockwise from its own top left, and percent."""

    text: str
    corners: Corners
    confidence: float


@dataclass(frozen=True)
class Line(Word):
    words: tuple[Word, ...]


def find(rgb: NDArray[np.uint8]) -> tuple[Line, ...]:
    """The lines of text in a picture, from top to bottom."""
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    with reading:
        engine = reader()
        boxes = tiles.boxes_in(bgr, _boxes)
        if len(boxes) == 0:
            return ()
        parts = len(tiles.tiles_of((bgr.shape[1], bgr.shape[0])))
        boxes = boxes[_readable(boxes, maximum=MOST_READ * min(parts, MOST_TIMES))]
        crops = engine.crop_text_regions(bgr, boxes)
        read = engine.recognize_txt(crops)
        sure = [
            number
            for number, (text, score) in enumerate(zip(read.txts, read.scores, strict=True))
            if score >= LEAST_SCORE and _is_legible(text)
        ]
        read.txts = [read.txts[number] for number in sure]
        read.scores = [read.scores[number] for number in sure]
        read.word_results = [read.word_results[number] for number in sure]
        words = engine.cal_rec_boxes([crops[number] for number in sure], boxes[sure], read).word_results
    lines = zip(read.txts, read.scores, boxes[sure], words, strict=True)
    return tuple(_line(text, score, _corners(box), parts) for text, score, box, parts in lines)


def _boxes(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Finds only: what is read of it is decided by the caller."""
    boxes = reader()(bgr).boxes
    return np.zeros((0, 4, 2), dtype=np.float32) if boxes is None else np.asarray(boxes, dtype=np.float32)


def _readable(boxes: NDArray[np.float32], *, maximum: int = MOST_READ) -> list[int]:
    """The boxes read within the budget, in their order: the tallest text first, so a dense page loses footnotes."""
    widths = np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1)
    heights = np.maximum(np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1), 1)
    short, long = np.minimum(widths, heights), np.maximum(widths, heights)  # text on its side is turned before
    order = np.argsort(-short, kind="stable")
    costs = np.cumsum((READ_HEIGHT * long / short)[order])
    return sorted(order[costs <= maximum].tolist())


def _is_legible(text: str) -> bool:
    """Two different letters or digits at least: single ones and rows of one are mostly rings, bars and leaves."""
    return len({sign.lower() for sign in text if sign.isalnum()}) >= 2


def _line(text: str, score: float, corners: Corners, parts: Any) -> Line:
    words = tuple(_words(text, corners, score, parts))
    return Line(" ".join(word.text for word in words), corners, score * 100, words)


def _words(text: str, corners: Corners, score: float, parts: Any) -> Iterator[Word]:
    """The words as RapidOCR places them where it cuts at the spaces, else placed by their share of the letters."""
    words = text.split()
    if [part[0] for part in parts if len(part) == 3 and part[2]] == words:
        for word, sure, box in parts:
            yield Word(word, _corners(box), sure * 100)
        return
    ends = list(accumulate(len(word) + 1 for word in words))
    for word, end in zip(words, ends, strict=True):
        start, stop = (end - 1 - len(word)) / (ends[-1] - 1), (end - 1) / (ends[-1] - 1)
        yield Word(word, _slice(corners, start, stop), score * 100)


def _slice(corners: Corners, start: float, stop: float) -> Corners:
    """The part of a line's four corners between two fractions of its length."""
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
    """This process' engine. A parent's is kept, unused: its threads are not here, and to end it would wait for them."""
    return _reader_of(os.getpid())


@cache
def _reader_of(process: int) -> Any:  # noqa: ARG001
    import rapidocr  # noqa: PLC0415 (its import takes a second that only readers of text should pay)

    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,  # pictures arrive upright
            "Global.use_rec": False,
            "Global.return_word_box": True,
            "Global.max_side_len": 4096,  # payloads are smaller: read at the size they came in
            # By path, for a model looked up by name is downloaded when its file is missing or altered.
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "Det.limit_type": "max",
            "Det.limit_side_len": SIDE,
            "Det.max_candidates": 300,
            # One by one and without padding to 320 pixels, short words take a third of the time.
            "Rec.rec_batch_num": 1,
            "Rec.rec_img_shape": [3, READ_HEIGHT, 2 * READ_HEIGHT],
            "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
