"""Documents are shortened to the size that a service takes."""

from __future__ import annotations

import json

import pytest

from analysis.delivery.size_limit import shorten


def size(document, omitted) -> int:
    return len(json.dumps([document, omitted]))


@pytest.mark.parametrize(
    ("limit", "labels", "text", "omitted"),
    [
        (10_000, 100, 50, {}),
        (1_000, 100, 45, {"text": 5}),
        (500, 57, 17, {"labels": 43, "text": 33}),
        (100, 7, 1, {"labels": 93, "text": 49}),
    ],
)
def test_longest_list_loses_its_last_entries(limit, labels, text, omitted):
    document = {"id": 7, "labels": list(range(100)), "text": ["abcdefgh"] * 50}
    shortened = shorten(document, limit=limit, size=size)
    assert size(shortened.document, shortened.omitted) <= limit
    assert (len(shortened.document["labels"]), len(shortened.document["text"])) == (labels, text)
    assert shortened.omitted == omitted
    assert shortened.document["labels"] == list(range(labels))
    assert (len(document["labels"]), len(document["text"])) == (100, 50)


def test_note_counts_what_was_left_out():
    shortened = shorten({"labels": list(range(2_000))}, limit=100, size=size)
    assert shortened.note.startswith("Left out because the message would have been too large: labels: 1,9")
    assert shorten({"labels": []}, limit=100, size=size).note == ""


def test_document_that_is_too_large_without_lists():
    assert shorten({"file_name": "x" * 200, "labels": [1]}, limit=100, size=size) is None
