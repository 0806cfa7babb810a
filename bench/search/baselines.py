"""Other ways to ask the same: SQL written by hand for each shape, the filter an ORM gives, a LIKE on a JSON column."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.abc import Query as Sql

from bench.search.workload import SearchCase

PAGE, BUDGET = 60, 3_000
SEEN = "(owner_id = %s OR visibility >= 1)"
PROBE = "(SELECT confidence FROM analysis_imagelabel p WHERE p.image_id = {}.image_id AND p.label_id = %s)"


class HandWrittenSql:
    """The best SQL for a question whose labels' ids and counts are known beforehand; answers whole rows of pictures.

    Walks along the rarest label in the order of the page and looks the other labels up by scalar subqueries; where the
    first few thousand do not fill the page, the pictures that carry all labels come from the inverted index.
    """

    def __init__(self, connection: psycopg.Connection, *, reader: int, counts: dict[int, int]) -> None:
        self._connection, self._reader, self._counts = connection, reader, counts

    def page(self, question: SearchCase) -> list[tuple[Any, ...]]:
        is_short = self._counts[question.ids[0]] <= BUDGET or question.span is not None
        rows = self._rows(*self._walk(question, None if is_short else BUDGET))
        if is_short or len(rows) > PAGE:
            return rows[:PAGE]
        has_bounds = any(minimum for _, minimum in question.wanted)
        whole = self._walk(question, None) if has_bounds else self._inverted(question)
        return self._rows(*whole)[:PAGE]

    def _rows(self, keys: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        return self._connection.execute(
            f"""SELECT image.* FROM ({keys}) k JOIN analysis_image image ON image.id = k.image_id
                ORDER BY k.added_at DESC, k.image_id DESC""".encode(),
            parameters,
        ).fetchall()

    def _walk(self, question: SearchCase, budget: int | None) -> tuple[str, list[Any]]:
        (driver, minimum), *others = question.wanted
        narrowed, parameters = self._narrowed(question)
        probe = PROBE.format("d")
        probes = [f"{probe} >= %s" for _ in others] + [f"{probe} IS NULL" for _ in question.excluded]
        keys = f"""
            SELECT image_id, added_at FROM (
                SELECT image_id, added_at FROM analysis_imagelabel
                WHERE label_id = %s AND confidence >= %s AND {narrowed}
                ORDER BY added_at DESC, image_id DESC LIMIT %s) d
            {"WHERE" if probes else ""} {" AND ".join(probes)}
            ORDER BY added_at DESC, image_id DESC LIMIT {PAGE + 1}"""
        probed = [value for pair in others for value in pair] + list(question.excluded)
        return keys, [driver, minimum, *parameters, budget if probes else PAGE + 1, *probed]

    def _inverted(self, question: SearchCase) -> tuple[str, list[Any]]:
        narrowed, parameters = self._narrowed(question)
        without = "AND NOT label_ids && %s::int[]" if question.excluded else ""
        keys = f"""SELECT image_id, added_at FROM analysis_imageindex
                   WHERE label_ids @> %s::int[] {without} AND {narrowed}
                   ORDER BY added_at DESC, image_id DESC LIMIT {PAGE + 1}"""
        excluded = [list(question.excluded)] if question.excluded else []
        return keys, [question.ids, *excluded, *parameters]

    def _narrowed(self, question: SearchCase) -> tuple[str, list[Any]]:
        parts, parameters = [SEEN], [self._reader]
        if question.owner:
            parts, parameters = [*parts, "owner_id = %s"], [*parameters, question.owner]
        if question.span:
            parts, parameters = [*parts, "added_at >= %s AND added_at < %s"], [*parameters, *question.span]
        return " AND ".join(parts), parameters


class JsonLike:
    """What a simple script keeps: the answer as JSON text beside each picture, searched with LIKE."""

    SHAPES = ("one_common", "one_mid", "one_rare", "and2", "and2_adv", "and3", "and_not")

    def __init__(self, connection: psycopg.Connection, *, reader: int, names: dict[int, str]) -> None:
        self._connection, self._reader, self._names = connection, reader, names

    def prepare(self) -> None:
        """Its table, once for a library."""
        if self._connection.execute("SELECT to_regclass('bench_json')").fetchone() != (None,):
            return
        self._connection.execute("SET work_mem = '256MB'")
        self._connection.execute(
            """CREATE TABLE bench_json AS
               SELECT carried.image_id AS id, min(carried.added_at) AS added_at, min(carried.owner_id) AS owner_id,
                      min(carried.visibility) AS visibility,
                      '{"Labels": [' || string_agg('{"Name": "' || label.name || '", "Confidence": '
                          || carried.confidence / 100.0 || '}', ', ' ORDER BY carried.confidence DESC) || ']}' AS labels
               FROM analysis_imagelabel carried JOIN analysis_label label ON label.id = carried.label_id
               GROUP BY carried.image_id"""
        )
        self._connection.execute("CREATE INDEX ON bench_json (added_at DESC, id DESC)")
        self._connection.execute("VACUUM (ANALYZE) bench_json")
        self._connection.execute("RESET work_mem")

    def page(self, question: SearchCase) -> list[tuple[Any, ...]]:
        wanted = ["labels LIKE %s"] * len(question.ids) + ["labels NOT LIKE %s"] * len(question.excluded)
        sql: Sql = f"""SELECT id FROM bench_json WHERE {" AND ".join(wanted)} AND {SEEN}
                       ORDER BY added_at DESC, id DESC LIMIT {PAGE}""".encode()
        names = (self._names[each] for each in (*question.ids, *question.excluded))
        return self._connection.execute(sql, [*(f'%"Name": "{name}"%' for name in names), self._reader]).fetchall()


def by_orm(question: SearchCase, *, reader: int) -> list[Any]:
    """The filter that comes to mind: EXISTS for every label."""
    from django.db.models import Exists, OuterRef  # noqa: PLC0415 # only once Django is set up

    from analysis.models import Image, ImageLabel, Viewer  # noqa: PLC0415

    found = Image.objects.visible_to(Viewer(reader))
    for label_id, minimum in question.wanted:
        carried = ImageLabel.objects.filter(image_id=OuterRef("pk"), label_id=label_id)
        found = found.filter(Exists(carried.filter(confidence__gte=minimum) if minimum else carried))
    for label_id in question.excluded:
        found = found.filter(~Exists(ImageLabel.objects.filter(image_id=OuterRef("pk"), label_id=label_id)))
    if question.owner:
        found = found.filter(owner_id=question.owner)
    if question.span:
        found = found.filter(added_at__gte=question.span[0], added_at__lt=question.span[1])
    return list(found.order_by("-added_at", "-id")[:PAGE])


def exact_facets(connection: psycopg.Connection, question: SearchCase, *, reader: int) -> dict[int, int]:
    """How many of all hits carry each label: counted one by one, however long that takes."""
    parts, parameters = [SEEN], [reader]
    for label_id, minimum in question.wanted:
        parts.append("label_ids @> %s::int[]")
        parameters.append([label_id])
        if minimum:
            parts.append(
                "(SELECT confidence FROM analysis_imagelabel p WHERE p.image_id = i.image_id AND p.label_id = %s) >= %s"
            )
            parameters += [label_id, minimum]
    for label_id in question.excluded:
        parts.append("NOT label_ids @> %s::int[]")
        parameters.append([label_id])
    if question.owner:
        parts.append("owner_id = %s")
        parameters.append(question.owner)
    if question.span:
        parts.append("added_at >= %s AND added_at < %s")
        parameters += question.span
    sql = f"""SELECT carried, count(*) FROM analysis_imageindex i, unnest(label_ids) carried
              WHERE {" AND ".join(parts)} GROUP BY carried""".encode()
    return dict(connection.execute(sql, parameters).fetchall())
