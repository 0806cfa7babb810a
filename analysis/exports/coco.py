"""COCO format: pictures, boxes with scores, categories."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

from analysis.exports.image_rows import ImageRow, LabelBox

IN_MEMORY = 8 * 2**20
CHUNK = 2**16


def coco(rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """One COCO object, with boxes as annotations in pixels.

    https://cocodataset.org/#format-data

    The confidence is `score`, from 0 to 1, as in COCO's result format. Labels without boxes are in `labels` of the
    image, which COCO readers ignore.
    """
    categories: dict[str, int] = {}
    # COCO has all images before all annotations, which are kept on disk until then, so that memory does not grow.
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as annotations:
        yield b'{"info":{"description":"imagelib"},"licenses":[],"images":['
        number = 0
        for position, row in enumerate(rows):
            yield (b",\n" if position else b"\n") + _json(_image(row))
            for label in row.labels:
                for instance in label.boxes:
                    category = categories.setdefault(label.name, len(categories) + 1)
                    annotations.write(b",\n" if number else b"\n")
                    number += 1
                    annotations.write(_json(_annotation(number, row, category, instance)))
        yield b'],"annotations":['
        yield from _chunks(annotations)
    names = [{"id": pk, "name": name, "supercategory": ""} for name, pk in categories.items()]
    yield b'],"categories":' + json.dumps(names, ensure_ascii=False).encode() + b"}\n"


def _image(row: ImageRow) -> dict[str, Any]:
    image = row.image
    return {
        "id": image.pk,
        "file_name": image.filename,
        "width": image.width,
        "height": image.height,
        "labels": [{"name": label.name, "score": _score(label.confidence)} for label in row.labels if not label.boxes],
    }


def _annotation(number: int, row: ImageRow, category: int, instance: LabelBox) -> dict[str, Any]:
    box, width, height = instance.box, row.image.width, row.image.height
    pixels = [round(value, 2) for value in (box.left * width, box.top * height, box.width * width, box.height * height)]
    return {
        "id": number,
        "image_id": row.image.pk,
        "category_id": category,
        "bbox": pixels,
        # pycocotools reads area and iscrowd of every annotation, which usually come from its mask.
        "area": round(pixels[2] * pixels[3], 2),
        "iscrowd": 0,
        "score": _score(instance.confidence),
    }


def _score(percent: float) -> float:
    return round(percent / 100, 4)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
