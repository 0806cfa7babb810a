"""In-memory index of one owner's perceptual hashes, sixteen bytes per picture.

Comparing one hash with a million takes one or two milliseconds. An index in the database over all owners' hashes would
be queried once per picture of the page, and would return other people's pictures, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.models import Image
from analysis.search.database import fetch_all

MAX_DISTANCE = 7
"""Bits in which the perceptual hashes of two near-duplicates may differ."""


@dataclass(frozen=True)
class HashIndex:
    """Ids and hashes of pictures; the two arrays correspond by position."""

    ids: NDArray[np.int64]
    hashes: NDArray[np.int64]

    @classmethod
    def of_person(cls, person_id: int) -> HashIndex:
        """All of the owner's pictures that have a hash and are not in the trash."""
        # Aggregated into two values, since fetching a million rows would take ten times as long.
        ((ids, hashes),) = fetch_all(
            # Both aggregates see the rows in the same order, as there is no ORDER BY in either.
            """SELECT coalesce(string_agg(int8send(id), ''), ''), coalesce(string_agg(int8send(phash), ''), '')
               FROM analysis_image WHERE owner_id = %s AND trashed_at IS NULL AND phash IS NOT NULL""",
            [person_id],
        )
        return cls(_integers(ids), _integers(hashes))

    def similar_to(self, image: Image, *, limit: int) -> list[int]:
        """Ids of other pictures within MAX_DISTANCE."""
        if image.phash is None:
            return []
        # Unsigned, since bitwise_count counts bits of the absolute value of negative numbers.
        distances = np.bitwise_count((self.hashes ^ np.int64(image.phash)).view(np.uint64))
        matches = self.ids[np.flatnonzero(distances <= MAX_DISTANCE)]
        others: list[int] = matches[matches != image.pk][:limit].tolist()
        return others


def _integers(binary: bytes) -> NDArray[np.int64]:
    # int8send returns network byte order.
    return np.frombuffer(binary, ">i8").astype(np.int64)
