"""Responses of DetectText: lines first, then their words."""

from __future__ import annotations

import random
from typing import Final

from imagelib.simulator.responses.pseudo_random import Json, percent, pseudo_random

SIGNS: Final = (
    "OPEN CLOSED EXIT Harbor Street KEEP LEFT RIGHT Market Hotel No. 24 7 2019 Welcome to the old town Coffee SALE "
    "Museum Station Platform 3 Danger Private Please do not touch 50% Menu of day Bus Stop A12 B7 ENTRANCE Tickets"
)
WORDS: Final = SIGNS.split()


def respond(digest: bytes, parameters: Json) -> Json:
    filters = parameters.get("Filters") or {}
    lines = [line for line in (_filtered(line, filters) for line in _lines(digest)) if line]
    response = [
        _detection("LINE", number, " ".join(word["text"] for word in line), line) for number, line in enumerate(lines)
    ]
    for number, line in enumerate(lines):
        response += [_detection("WORD", 0, word["text"], [word], parent=number) for word in line]
    for number, detection in enumerate(response):
        detection["Id"] = number
    return {"TextDetections": response}


def _lines(digest: bytes) -> list[list[Json]]:
    """Lines of text in a picture: two in five pictures have one to five lines."""
    draw = pseudo_random(digest, "text")
    if draw.random() > 0.4:
        return []
    return [_line(draw, 0.05 + 0.18 * number) for number in range(draw.randint(1, 5))]


def _line(draw: random.Random, top: float) -> list[Json]:
    height, left = 0.02 + 0.1 * draw.random(), 0.02 + 0.2 * draw.random()
    words = []
    for text in draw.choices(WORDS, k=draw.randint(1, 4)):
        width = min(0.19, 0.02 * len(text))
        words.append({"text": text, "confidence": percent(draw, minimum=40), "box": (left, top, width, height)})
        left += width + 0.01
    return words


def _filtered(line: list[Json], filters: Json) -> list[Json]:
    word_filter = filters.get("WordFilter") or {}
    regions = filters.get("RegionsOfInterest") or []
    return [
        word
        for word in line
        if word["confidence"] >= word_filter.get("MinConfidence", 0)
        and word["box"][2] >= word_filter.get("MinBoundingBoxWidth", 0)
        and word["box"][3] >= word_filter.get("MinBoundingBoxHeight", 0)
        and (not regions or any(_is_in_region(word["box"], region) for region in regions))
    ]


def _is_in_region(word_box: tuple[float, ...], region: Json) -> bool:
    """True if the word's center is in the region or the polygon's bounding box."""
    left, top, width, height = word_box
    x, y = left + width / 2, top + height / 2
    if bounds := region.get("BoundingBox"):
        edges = [bounds.get(side, 0.0) for side in ("Left", "Top", "Width", "Height")]
        return bool(edges[0] <= x <= edges[0] + edges[2] and edges[1] <= y <= edges[1] + edges[3])
    corners = region.get("Polygon") or []
    across, down = [corner.get("X", 0.0) for corner in corners], [corner.get("Y", 0.0) for corner in corners]
    return bool(corners) and min(across) <= x <= max(across) and min(down) <= y <= max(down)


def _detection(kind: str, number: int, text: str, words: list[Json], *, parent: int | None = None) -> Json:
    boxes = [word["box"] for word in words]
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    sides = {"Width": right - left, "Height": bottom - top, "Left": left, "Top": top}
    response: Json = {"DetectedText": text, "Type": kind, "Id": number}
    if parent is not None:
        response["ParentId"] = parent
    return {
        **response,
        "Confidence": min(word["confidence"] for word in words),
        "Geometry": {
            "BoundingBox": {side: round(value, 6) for side, value in sides.items()},
            "Polygon": [{"X": round(x, 6), "Y": round(y, 6)} for x, y in corners],
        },
    }
