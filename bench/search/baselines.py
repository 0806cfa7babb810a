"""Baselines of search: hand-written SQL, an ORM filter, and LIKE on JSON."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.abc import Query as Sql

from bench.search.workload import SearchCase

PAGE, WALK_LIMIT = 60, 3_000
VISIBLE = "(owner_id = %s OR visibility >= 1)"
CONFIDENCE = "(SELECT confidence FROM analysis_imagelabel p WHERE p.image_id = {}.image_id AND p.label_id = %s)"


class HandWrittenSql:
    """The best SQL for a query whose label ids and counts are known in advance.

    Scans the index of the rarest label in page order and checks the other labels by scalar subqueries. If the first few
    thousand pictures do not fill the page, the pictures with all labels come from the GIN index.
    """

    def __init__(self, connection: psycopg.Connection, *, user_id: int, counts: dict[int, int]) -> None:
        self._connection, self._user_id, self._counts = connection, user_id, counts
        # The index that one would create by hand; imagelib's own covers the ids as words.
        connection.execute(
            # Without fastupdate there is no list of pending entries, which each search would read as a whole.
            "CREATE INDEX IF NOT EXISTS by_hand ON analysis_imageindex USING gin (label_ids) WITH (fastupdate = off)"
        )

    def page(self, case: SearchCase) -> list[tuple[Any, ...]]:
        is_complete = self._counts[case.ids[0]] <= WALK_LIMIT or case.span is not None
        rows = self._rows(*self._walk(case, None if is_complete else WALK_LIMIT))
        if is_complete or len(rows) > PAGE:
            return rows[:PAGE]
        has_bounds = any(minimum for _, minimum in case.labels)
        statement = self._walk(case, None) if has_bounds else self._inverted(case)
        return self._rows(*statement)[:PAGE]

    def _rows(self, keys: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        return self._connection.execute(
            f"""SELECT image.* FROM ({keys}) k JOIN analysis_image image ON image.id = k.image_id
                ORDER BY k.sort_time DESC, k.image_id DESC""".encode(),
            parameters,
        ).fetchall()

    def _walk(self, case: SearchCase, limit: int | None) -> tuple[str, list[Any]]:
        (rarest, minimum), *others = case.labels
        filters, parameters = self._filters(case)
        confidence = CONFIDENCE.format("d")
        conditions = [f"{confidence} >= %s" for _ in others] + [f"{confidence} IS NULL" for _ in case.excluded]
        keys = f"""
            SELECT image_id, sort_time FROM (
                SELECT image_id, sort_time FROM analysis_imagelabel
                WHERE label_id = %s AND confidence >= %s AND {filters}
                ORDER BY sort_time DESC, image_id DESC LIMIT %s) d
            {"WHERE" if conditions else ""} {" AND ".join(conditions)}
            ORDER BY sort_time DESC, image_id DESC LIMIT {PAGE + 1}"""
        condition_parameters = [value for pair in others for value in pair] + list(case.excluded)
        return keys, [rarest, minimum, *parameters, limit if conditions else PAGE + 1, *condition_parameters]

    def _inverted(self, case: SearchCase) -> tuple[str, list[Any]]:
        filters, parameters = self._filters(case)
        exclusion = "AND NOT label_ids && %s::int[]" if case.excluded else ""
        keys = f"""SELECT image_id, sort_time FROM analysis_imageindex
                   WHERE label_ids @> %s::int[] {exclusion} AND {filters}
                   ORDER BY sort_time DESC, image_id DESC LIMIT {PAGE + 1}"""
        excluded = [list(case.excluded)] if case.excluded else []
        return keys, [case.ids, *excluded, *parameters]

    def _filters(self, case: SearchCase) -> tuple[str, list[Any]]:
        conditions, parameters = [VISIBLE], [self._user_id]
        if case.owner:
            conditions, parameters = [*conditions, "owner_id = %s"], [*parameters, case.owner]
        if case.span:
            conditions, parameters = [*conditions, "sort_time >= %s AND sort_time < %s"], [*parameters, *case.span]
        return " AND ".join(conditions), parameters


class JsonLike:
    """Responses as JSON text, searched with LIKE, as simple scripts do."""

    SHAPES = ("one_common", "one_mid", "one_rare", "and2", "and2_adv", "and3", "and_not")

    def __init__(self, connection: psycopg.Connection, *, user_id: int, names: dict[int, str]) -> None:
        self._connection, self._user_id, self._names = connection, user_id, names

    def prepare(self) -> None:
        """Create the table, once for each library."""
        if self._connection.execute("SELECT to_regclass('bench_json')").fetchone() != (None,):
            return
        self._connection.execute("SET work_mem = '256MB'")
        self._connection.execute(
            """CREATE TABLE bench_json AS
               SELECT carried.image_id AS id, min(carried.sort_time) AS sort_time, min(carried.owner_id) AS owner_id,
                      min(carried.visibility) AS visibility,
                      '{"Labels": [' || string_agg('{"Name": "' || label.name || '", "Confidence": '
                          || carried.confidence / 100.0 || '}', ', ' ORDER BY carried.confidence DESC) || ']}' AS labels
               FROM analysis_imagelabel carried JOIN analysis_label label ON label.id = carried.label_id
               GROUP BY carried.image_id"""
        )
        self._connection.execute("CREATE INDEX ON bench_json (sort_time DESC, id DESC)")
        self._connection.execute("VACUUM (ANALYZE) bench_json")
        self._connection.execute("RESET work_mem")

    def page(self, case: SearchCase) -> list[tuple[Any, ...]]:
        conditions = ["labels LIKE %s"] * len(case.ids) + ["labels NOT LIKE %s"] * len(case.excluded)
        sql: Sql = f"""SELECT id FROM bench_json WHERE {" AND ".join(conditions)} AND {VISIBLE}
                       ORDER BY sort_time DESC, id DESC LIMIT {PAGE}""".encode()
        names = (self._names[label_id] for label_id in (*case.ids, *case.excluded))
        return self._connection.execute(sql, [*(f'%"Name": "{name}"%' for name in names), self._user_id]).fetchall()


def by_orm(case: SearchCase, *, user_id: int) -> list[Any]:
    """The obvious ORM filter: EXISTS for each label."""
    from django.db.models import Exists, OuterRef  # only once Django is set up

    from analysis.models import Image, ImageLabel, Viewer
    from analysis.models.expressions import DateTaken

    images = Image.objects.visible_to(Viewer(user_id))
    for label_id, minimum in case.labels:
        labels = ImageLabel.objects.filter(image_id=OuterRef("pk"), label_id=label_id)
        images = images.filter(Exists(labels.filter(confidence__gte=minimum) if minimum else labels))
    for label_id in case.excluded:
        images = images.filter(~Exists(ImageLabel.objects.filter(image_id=OuterRef("pk"), label_id=label_id)))
    if case.owner:
        images = images.filter(owner_id=case.owner)
    if case.span:
        images = images.filter(taken_at__gte=case.span[0], taken_at__lt=case.span[1])
    return list(images.order_by(DateTaken("taken_at").desc(), "-id")[:PAGE])


def exact_facets(connection: psycopg.Connection, case: SearchCase, *, user_id: int) -> dict[int, int]:
    """Exact number of hits by label id."""
    conditions, parameters = [VISIBLE], [user_id]
    for label_id, minimum in case.labels:
        conditions.append("label_ids @> %s::int[]")
        parameters.append([label_id])
        if minimum:
            conditions.append(
                "(SELECT confidence FROM analysis_imagelabel p WHERE p.image_id = i.image_id AND p.label_id = %s) >= %s"
            )
            parameters += [label_id, minimum]
    for label_id in case.excluded:
        conditions.append("NOT label_ids @> %s::int[]")
        parameters.append([label_id])
    if case.owner:
        conditions.append("owner_id = %s")
        parameters.append(case.owner)
    if case.span:
        conditions.append("sort_time >= %s AND sort_time < %s")
        parameters += case.span
    sql = f"""SELECT carried, count(*) FROM analysis_imageindex i, unnest(label_ids) carried
              WHERE {" AND ".join(conditions)} GROUP BY carried""".encode()
    return dict(connection.execute(sql, parameters).fetchall())
