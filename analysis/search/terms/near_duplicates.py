"""Near-duplicates of one picture: `like:123`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.utils.translation import gettext as _

from analysis.models import Image, Viewer
from analysis.search.errors import InvalidValue
from analysis.search.sql.conditions import image_condition
from analysis.search.sql.expressions import FALSE, Sql
from analysis.search.terms.base import Candidates, Resolution, Term, Value

MAX_HASH_DISTANCE = 7
"""Maximum number of bits in which the perceptual hashes of near-duplicates differ."""


@dataclass(frozen=True)
class NearDuplicateTerm(Term):
    """Images whose perceptual hash differs in at most 7 of its 64 bits."""

    fields = ("like",)
    default_cost = (8, "like:")
    image_id: int

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> NearDuplicateTerm:
        if not re.fullmatch(r"[0-9]{1,18}", value.text):
            raise InvalidValue(_("Expected a picture ID, for example like:123."))
        return cls(int(value.text))

    def write(self) -> str:
        return f"like:{self.image_id}"

    def describe(self) -> str:
        return _("near-duplicate of picture %(number)s") % {"number": self.image_id}

    @classmethod
    def resolve_all(cls, terms: Sequence[Self], viewer: Viewer) -> dict[Term, Any]:
        """The perceptual hashes (or None) of the images that the viewer may see."""
        images = Image.objects.visible_to(viewer).filter(pk__in=[term.image_id for term in terms])
        hashes = dict(images.values_list("pk", "phash"))
        return {term: hashes[term.image_id] for term in terms if term.image_id in hashes}

    def condition(self, resolved: Resolution) -> Sql:
        if self not in resolved.values:
            return FALSE
        phash = resolved.values[self]
        if phash is None:
            return Sql("d.image_id = %s", (self.image_id,))
        return image_condition("coalesce(bit_count((phash # %s)::bit(64)) <= %s, false)", phash, MAX_HASH_DISTANCE)

    def candidates(self, resolved: Resolution) -> Candidates:
        phash = resolved.values.get(self)
        if phash is None:
            return Candidates(Sql("SELECT %s::bigint AS image_id", (self.image_id,)), are_few=True)
        # If two hashes differ in at most 7 bits, one of their four quarters differs in at most one: 17 values each.
        quarters = [(phash >> 16 * index & 0xFFFF, index << 16) for index in range((MAX_HASH_DISTANCE + 1) // 2)]
        flips = (0, *(1 << bit for bit in range(16)))
        chunks = [(quarter ^ flip) + base for quarter, base in quarters for flip in flips]
        # OFFSET 0 and unnest(ARRAY(…)) hide the number of rows from the planner, which would expect a third of all
        # images to match, and scan.
        text = """
            SELECT unnest(ARRAY(
                SELECT i.id FROM (SELECT %s::int[] AS quarters OFFSET 0) near
                JOIN analysis_image i ON i.phash_chunks && near.quarters
                WHERE bit_count((i.phash # %s)::bit(64)) <= %s)) AS image_id
        """
        return Candidates(Sql(text, (chunks, phash, MAX_HASH_DISTANCE)), are_few=True)
