"""What a search must find, computed from all rows by NumPy: for libraries that fit into memory."""

from __future__ import annotations

import numpy as np
import psycopg

from bench.dataset.spec import Numbers
from bench.search.workload import SearchCase


class Oracle:
    """A library as arrays, seen with one person's eyes."""

    def __init__(self, connection: psycopg.Connection, *, reader: int) -> None:
        pictures = "SELECT id, owner_id, visibility, (extract(epoch FROM added_at))::bigint FROM analysis_image"
        image, self._owner, visibility, self._added = _columns(connection, f"{pictures} ORDER BY id", 4)
        self._sees = (self._owner == reader) | (visibility > 0)
        self._place = np.zeros(image[-1] + 1, np.int64)
        self._place[image] = np.arange(len(image))
        self._image = image
        rows = "SELECT label_id, image_id, confidence FROM analysis_imagelabel ORDER BY label_id"
        self._label, self._of, self._confidence = _columns(connection, rows, 3)

    def newest(self, question: SearchCase, maximum: int) -> list[int]:
        """Ids of the pictures, the newest first."""
        hits = np.nonzero(self._hits(question))[0]
        order = np.lexsort((self._image[hits], self._added[hits]))[::-1]
        return [int(each) for each in self._image[hits[order[:maximum]]]]

    def number(self, question: SearchCase) -> int:
        return int(self._hits(question).sum())

    def _hits(self, question: SearchCase) -> np.ndarray:
        hits = self._sees.copy()
        for label_id, minimum in question.wanted:
            hits &= self._carries(label_id, minimum)
        for label_id in question.excluded:
            hits &= ~self._carries(label_id, 0)
        if question.owner:
            hits &= self._owner == question.owner
        if question.span:
            begin, end = (moment.timestamp() for moment in question.span)
            hits &= (self._added >= begin) & (self._added < end)
        return hits

    def _carries(self, label_id: int, minimum: int) -> np.ndarray:
        begin, end = np.searchsorted(self._label, [label_id, label_id + 1])
        of = self._of[begin:end][self._confidence[begin:end] >= minimum]
        carries = np.zeros(len(self._image), bool)
        carries[self._place[of]] = True
        return carries


def _columns(connection: psycopg.Connection, query: str, number: int) -> Numbers:
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT") as copying:
        text = b"".join(copying)
    return np.fromstring(text.decode(), np.int64, sep=" ").reshape(-1, number).T.copy()
