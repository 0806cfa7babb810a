"""Which labels an viewer can meet on some picture: asked of the database each time, never remembered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection

from analysis.models import Viewer
from analysis.search.sql.conditions import visibility_filter

SMALL_LIBRARY = 300
"""Whoever sees no more pictures than this is answered from these pictures themselves."""
MOST_PROBED = 300
"""So many labels are looked up one by one at most, the most frequent ones."""


@dataclass(frozen=True)
class LabelVisibility:
    """What one viewer sees, for the time of one answer.

    Looking labels up one by one is quick where many pictures are seen, since one of each is soon found; where few are,
    thousands of others' would be gone through in vain, and the few themselves are read instead.
    """

    viewer: Viewer
    few: dict[int, int] | None
    """Where few pictures are seen: the labels they carry, and how many of them carry each; hidden ones left out."""
    is_of_all: bool
    """Whether nobody else has any picture."""

    def met(self, label_ids: Iterable[int], *, maximum: int) -> dict[int, int | None]:
        """Those that can be met, in the order given, and how many pictures carry each; hidden ones cannot be met.

        Counts are told to those who see few pictures, counted on these; and to those who see all there are, from the
        label's own counter. To others none: that counter, or where counting was given up, would tell of pictures they
        do not see.
        """
        if self.few is not None:
            own = self.few
            return dict(islice(((each, own[each]) for each in label_ids if each in own), maximum))
        found: dict[int, int | None] = {}
        several, asked = iter(label_ids), 0
        while len(found) < maximum and (step := list(islice(several, min(maximum + 2 * asked, MOST_PROBED - asked)))):
            found |= self._probed(step)
            asked += len(step)
        return dict(islice(found.items(), maximum))

    def categories(self, names: Sequence[str], *, maximum: int) -> list[str]:
        """Those that some label which can be met belongs to."""
        met, given = _probe(self.viewer) if self.few is None else ("label.id = ANY(%s)", [[*self.few]])
        found = _rows(
            f"""SELECT c.name FROM unnest(%s::text[]) WITH ORDINALITY c (name, place)
                WHERE (SELECT 1 FROM analysis_label label
                       WHERE label.category = c.name AND NOT label.is_hidden AND {met} LIMIT 1) = 1
                ORDER BY c.place LIMIT %s""",  # noqa: S608
            [list(names), *given, maximum],
        )
        return [name for (name,) in found]

    def _probed(self, label_ids: Sequence[int]) -> dict[int, int | None]:
        met, values = _probe(self.viewer)
        found = _rows(
            f"""SELECT label.id, label.image_count FROM unnest(%s::int[]) WITH ORDINALITY c (id, place)
                JOIN analysis_label label ON label.id = c.id AND NOT label.is_hidden
                WHERE {met} ORDER BY c.place""",  # noqa: S608
            [list(label_ids), *values],
        )
        return {pk: count if self.is_of_all else None for pk, count in found}


def label_visibility(viewer: Viewer) -> LabelVisibility:
    """Asks for no more than a few hundred pictures and for one of somebody else: two short looks into indexes."""
    person_id = viewer.person_id
    pictures = "SELECT id FROM analysis_image WHERE trashed_at IS NULL AND {} ORDER BY added_at DESC, id DESC LIMIT %s"
    open_ones, own = (pictures.format(which) for which in ("visibility > 0 AND visibility >= %s", "owner_id = %s"))
    others = "EXISTS (SELECT FROM analysis_image WHERE trashed_at IS NULL AND owner_id {} %s)"
    ((ids, is_of_all),) = _rows(
        f"""SELECT ARRAY(SELECT id FROM (({own}) UNION ALL ({open_ones})) both_kinds LIMIT %s),
                   NOT ({others.format("<")} OR {others.format(">")})""",  # noqa: S608
        [
            person_id,
            SMALL_LIBRARY + 1,
            viewer.min_visibility,
            SMALL_LIBRARY + 1,
            SMALL_LIBRARY + 1,
            person_id,
            person_id,
        ],
    )
    few = _labels_of(ids) if len(ids) <= SMALL_LIBRARY else None
    return LabelVisibility(viewer, few, is_of_all=bool(is_of_all) and person_id is not None)


def _labels_of(image_ids: list[int]) -> dict[int, int]:
    """How many of these pictures carry each label, the most frequent first."""
    return dict(
        _rows(
            """SELECT label.id, counted.images
               FROM (SELECT label_id, count(*) AS images
                     FROM analysis_imageindex, unnest(label_ids) label_id
                     WHERE image_id = ANY(%s) GROUP BY label_id) counted
               JOIN analysis_label label ON label.id = counted.label_id AND NOT label.is_hidden
               ORDER BY counted.images DESC, label.name""",
            [image_ids],
        )
    )


def _probe(viewer: Viewer) -> tuple[str, list[Any]]:
    """That some picture which may be seen carries `label`. Scalar, so that the planner stays with one look for each."""
    condition = visibility_filter(viewer, "p")
    return (
        f"(SELECT 1 FROM analysis_imagelabel p WHERE p.label_id = label.id AND {condition.text} LIMIT 1) = 1",  # noqa: S608
        list(condition.values),
    )


def _rows(sql: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[Any] = cursor.fetchall()
    return found
