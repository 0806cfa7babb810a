"""A person's pictures by their perceptual hashes, all of them in memory: sixteen bytes each.

To compare one with a million takes a millisecond or two; an index over all people's hashes was asked as many times as
there are pictures on a page, and found everybody's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.models import Image
from analysis.search.database import fetch_all

NEAR = 7
"""Bits of the perceptual hash in which like pictures differ at most; of one picture and the next, not of all."""


@dataclass(frozen=True)
class HashIndex:
    """Row by row the pictures' ids and their hashes."""

    ids: NDArray[np.int64]
    hashes: NDArray[np.int64]

    @classmethod
    def of_person(cls, person_id: int) -> HashIndex:
        """Those of all of their pictures that have a hash and are not in the trash."""
        # In one value each: as rows of their own they would take ten times as long to be read.
        ((ids, hashes),) = fetch_all(
            """SELECT coalesce(string_agg(int8send(id), ''), ''), coalesce(string_agg(int8send(phash), ''), '')
               FROM analysis_image WHERE owner_id = %s AND trashed_at IS NULL AND phash IS NOT NULL""",
            [person_id],
        )
        return cls(_numbers(ids), _numbers(hashes))

    def like(self, image: Image, *, maximum: int) -> list[int]:
        """The ids of others that look like it."""
        if image.phash is None:
            return []
        bits = np.bitwise_count((self.hashes ^ np.int64(image.phash)).view(np.uint64))  # of a negative it counts others
        found = self.ids[np.flatnonzero(bits <= NEAR)]
        others: list[int] = found[found != image.pk][:maximum].tolist()
        return others


def _numbers(sent: bytes) -> NDArray[np.int64]:
    """As the server sends them, the highest byte first."""
    return np.frombuffer(sent, ">i8").astype(np.int64)
