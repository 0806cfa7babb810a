"""Labels by kind and category, the most frequent of each group."""

from __future__ import annotations

from typing import NamedTuple

from analysis.search.database import fetch_all
from analysis.search.visible_labels import LabelFrequencies


class GroupedLabel(NamedTuple):
    id: int
    name: str
    kind: str
    category: str
    """Empty for all kinds but labels of a picture's content."""
    group_size: int


def most_frequent(frequencies: LabelFrequencies, *, maximum: int) -> list[GroupedLabel]:
    """The most frequent labels of each group, in one list, most frequent first.

    If the frequencies are exact, labels on no visible image are left out; else they come last, by name.
    """
    rows = fetch_all(
        """SELECT id, name, kind, category, group_size FROM (
               SELECT label.*, coalesce(counted.number, 0) AS number,
                      count(*) OVER (PARTITION BY kind, category) AS group_size,
                      row_number() OVER (PARTITION BY kind, category
                                         ORDER BY coalesce(counted.number, 0) DESC, lower(name), id) AS place
               FROM (SELECT id, name, kind, CASE WHEN kind = 'label' THEN category ELSE '' END AS category
                     FROM analysis_label WHERE NOT is_hidden AND merged_into_id IS NULL) label
               LEFT JOIN unnest(%s::int[], %s::bigint[]) counted (id, number) USING (id)
               WHERE counted.id IS NOT NULL OR NOT %s) ranked
           WHERE place <= %s ORDER BY number DESC, lower(name), id""",
        [[*frequencies.numbers], [*frequencies.numbers.values()], frequencies.is_exact, maximum],
    )
    return [GroupedLabel(*row) for row in rows]
