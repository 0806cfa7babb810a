"""Expected search results, computed by NumPy from all rows of a library."""

from __future__ import annotations

import numpy as np
import psycopg

from bench.dataset.spec import Numbers
from bench.search.workload import SearchCase


class Oracle:
    """A library as arrays, with the pictures that one user can see."""

    def __init__(self, connection: psycopg.Connection, *, user_id: int) -> None:
        key = "extract(epoch FROM coalesce(taken_at, '0001-01-01 00:00:00+00'))::bigint"
        pictures = f"SELECT id, owner_id, visibility, {key} FROM analysis_image"
        image, self._owner, visibility, self._time = _columns(connection, f"{pictures} ORDER BY id", 4)
        self._visible = (self._owner == user_id) | (visibility > 0)
        self._row_of = np.zeros(image[-1] + 1, np.int64)
        self._row_of[image] = np.arange(len(image))
        self._image = image
        rows = "SELECT label_id, image_id, confidence FROM analysis_imagelabel ORDER BY label_id"
        self._label, self._label_image, self._confidence = _columns(connection, rows, 3)

    def newest(self, case: SearchCase, maximum: int) -> list[int]:
        """Ids of matching pictures, newest first."""
        hits = np.nonzero(self._hits(case))[0]
        order = np.lexsort((self._image[hits], self._time[hits]))[::-1]
        return [int(image_id) for image_id in self._image[hits[order[:maximum]]]]

    def count(self, case: SearchCase) -> int:
        return int(self._hits(case).sum())

    def _hits(self, case: SearchCase) -> np.ndarray:
        hits = self._visible.copy()
        for label_id, minimum in case.labels:
            hits &= self._with_label(label_id, minimum)
        for label_id in case.excluded:
            hits &= ~self._with_label(label_id, 0)
        if case.owner:
            hits &= self._owner == case.owner
        if case.span:
            begin, end = (moment.timestamp() for moment in case.span)
            hits &= (self._time >= begin) & (self._time < end)
        return hits

    def _with_label(self, label_id: int, minimum: int) -> np.ndarray:
        begin, end = np.searchsorted(self._label, [label_id, label_id + 1])
        image_ids = self._label_image[begin:end][self._confidence[begin:end] >= minimum]
        mask = np.zeros(len(self._image), bool)
        mask[self._row_of[image_ids]] = True
        return mask


def _columns(connection: psycopg.Connection, query: str, number: int) -> Numbers:
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT") as rows:
        text = b"".join(rows)
    return np.fromstring(text.decode(), np.int64, sep=" ").reshape(-1, number).T.copy()
