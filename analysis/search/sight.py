"""Which labels an audience can meet on some picture: asked of the database each time, never remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection

from analysis.models import Audience, Label
from analysis.search.conditions import seen

FEW = 500
"""Whoever sees no more pictures than this is answered from these pictures themselves."""
MOST_PROBED = 300
"""So many labels are looked up one by one at most, the most frequent ones."""


@dataclass(frozen=True)
class Sight:
    """What one audience sees, for the time of one answer.

    Looking labels up one by one is quick where many pictures are seen, since one of each is soon found; where few are,
    thousands of others' would be gone through in vain, and the few themselves are read instead.
    """

    audience: Audience

    def labels(self, label_ids: Sequence[int], *, most: int) -> list[int]:
        """Those that can be met, in the order given; hidden ones cannot."""
        if self.few is not None:
            own = [label_id for label_id in label_ids if label_id in self.few]
            met = set(Label.objects.filter(pk__in=own, is_hidden=False).values_list("pk", flat=True))
            return [label_id for label_id in own if label_id in met][:most]
        found: list[int] = []
        asked = 0
        while len(found) < most and asked < min(len(label_ids), MOST_PROBED):
            step = max(most, asked * 2)
            found += self._probed(label_ids[asked : asked + step])
            asked += step
        return found[:most]

    def counts(self, label_ids: Sequence[int]) -> dict[int, int]:
        """How many pictures carry each of these, or nothing.

        Told to those who see few pictures, counted on these; and to those who see all there are, from the label's own
        counter. To others neither: that counter, or where a count was given up, would tell of pictures they do not see.
        """
        if self.few is not None:
            return {label_id: self.few[label_id] for label_id in label_ids if label_id in self.few}
        if self._is_of_all:
            return dict(Label.objects.filter(pk__in=label_ids).values_list("pk", "image_count"))
        return {}

    def categories(self, names: Sequence[str], *, most: int) -> list[str]:
        """Those that some label which can be met belongs to."""
        met, given = _probe(self.audience) if self.few is None else ("label.id = ANY(%s)", [[*self.few]])
        found = _rows(
            f"""SELECT c.name FROM unnest(%s::text[]) WITH ORDINALITY c (name, place)
                WHERE (SELECT 1 FROM analysis_label label
                       WHERE label.category = c.name AND NOT label.is_hidden AND {met} LIMIT 1) = 1
                ORDER BY c.place LIMIT %s""",  # noqa: S608
            [list(names), *given, most],
        )
        return [name for (name,) in found]

    @cached_property
    def _pictures(self) -> list[int]:
        """The pictures this audience sees, if they are few; one more than few means more."""
        open_ones = """(SELECT id FROM analysis_image WHERE trashed_at IS NULL AND openness > 0 AND openness >= %s
                        ORDER BY added_at DESC, id DESC LIMIT %s)"""
        own = """(SELECT id FROM analysis_image WHERE trashed_at IS NULL AND owner_id = %s
                  ORDER BY added_at DESC, id DESC LIMIT %s)"""
        person_id, least = self.audience.person_id, self.audience.least_openness
        if person_id is None:
            return [pk for (pk,) in _rows(open_ones, [least, FEW + 1])]
        return [pk for (pk,) in _rows(f"{own} UNION {open_ones}", [person_id, FEW + 1, least, FEW + 1])]

    @cached_property
    def few(self) -> dict[int, int] | None:
        """Where few pictures are seen: the labels they carry, and how many of them carry each."""
        if len(self._pictures) > FEW:
            return None
        return dict(
            _rows(
                """SELECT label_id, count(*) FROM analysis_imageindex, unnest(label_ids) label_id
                   WHERE image_id = ANY(%s) GROUP BY label_id""",
                [self._pictures],
            )
        )

    @cached_property
    def _is_of_all(self) -> bool:
        """Whether nobody else has any picture. Two looks into an index."""
        others = "(SELECT 1 FROM analysis_image WHERE trashed_at IS NULL AND owner_id {} %s LIMIT 1)"
        person_id = self.audience.person_id
        if person_id is None:
            return False
        return not _rows(f"{others.format('<')} UNION ALL {others.format('>')}", [person_id, person_id])

    def _probed(self, label_ids: Sequence[int]) -> list[int]:
        met, values = _probe(self.audience)
        found = _rows(
            f"""SELECT label.id FROM unnest(%s::int[]) WITH ORDINALITY c (id, place)
                JOIN analysis_label label ON label.id = c.id AND NOT label.is_hidden
                WHERE {met} ORDER BY c.place""",  # noqa: S608
            [list(label_ids), *values],
        )
        return [pk for (pk,) in found]


def _probe(audience: Audience) -> tuple[str, list[Any]]:
    """That some picture which may be seen carries `label`. Scalar, so that the planner stays with one look for each."""
    condition = seen(audience, "p")
    return (
        f"(SELECT 1 FROM analysis_imagelabel p WHERE p.label_id = label.id AND {condition.text} LIMIT 1) = 1",  # noqa: S608
        list(condition.values),
    )


def _rows(sql: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[Any] = cursor.fetchall()
    return found
