"""Bench of `similar:` in a library of 100,000 pictures.

Or of as many as the argument says: python -m bench.similar 1000000.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import psycopg
from numpy.typing import NDArray

from bench.dataset import READER, copy_into, django_setup, loaded_library
from bench.dataset.copy import HEADER, TRAILER
from bench.dataset.indexes import without_indexes
from bench.report import Measurement, Report

PICTURES = 100_000
TARGETS = {100_000: 20.0, 1_000_000: 60.0}  # milliseconds
DIMENSIONS, MODEL_VERSION = 256, b"efficientnet-lite0 1"
SCENE = 40  # pictures of one scene, on average
NOISE = 0.55  # of a picture around its scene; gives cosines of about 0.75 within a scene, like crops of one photo
CHUNK = 50_000
QUERIES, CHECKED = 200, 40
TABLE = "analysis_imageembedding"


@dataclass
class SimilarRun:
    loaded_in: float = 0.0  # seconds; 0 if an earlier run loaded it
    index_built_in: float = 0.0
    index_bytes: int = 0
    table_bytes: int = 0
    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    match_counts: list[int] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)


def measure(pictures: int = PICTURES) -> Report:
    with loaded_library(pictures) as library, django_setup(library):
        run = SimilarRun()
        with psycopg.connect(library.url, autocommit=True) as connection:
            load(connection, pictures, run)
            time_searches(connection, run)
    return report(pictures, run)


def vectors(first: int, number: int, pictures: int) -> NDArray[np.float32]:
    """Vectors of the pictures from `first` on.

    Vectors of one scene are close to each other; scenes are far apart.
    """
    generator = np.random.default_rng([first, 2])
    # Some scenes are much larger than others: one picture in 25 has more than 500 similar ones.
    chance = np.random.default_rng(1).random(pictures)[first - 1 : first - 1 + number]
    scenes = np.floor(max(1, pictures // SCENE) * chance**2).astype(np.int64)
    distinct, scene_of = np.unique(scenes, return_inverse=True)
    centers = np.stack([np.random.default_rng([3, int(scene)]).normal(size=DIMENSIONS) for scene in distinct])
    points = centers[scene_of] + NOISE * generator.normal(size=(number, DIMENSIONS))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def load(connection: psycopg.Connection, pictures: int, run: SimilarRun) -> None:
    """Fill the table by COPY, then build the index, unless an earlier run did."""
    (present,) = connection.execute(f"SELECT count(*) FROM {TABLE}").fetchone() or (0,)
    if present != pictures:
        began = time.monotonic()
        connection.execute(f"TRUNCATE {TABLE}")
        connection.execute("SET maintenance_work_mem = '1GB'")
        index_began = began
        with without_indexes(connection, [TABLE]):
            for first in range(1, pictures + 1, CHUNK):
                number = min(CHUNK, pictures + 1 - first)
                copy_into(connection, TABLE, "image_id, vector, model_version, next_attempt_at",
                          _rows(first, vectors(first, number, pictures)))  # fmt: skip
            index_began = time.monotonic()
        run.index_built_in = time.monotonic() - index_began
        connection.execute(f"VACUUM (ANALYZE) {TABLE}")
        run.loaded_in = time.monotonic() - began
    sizes = "SELECT pg_relation_size('imageembedding_vector'), pg_table_size(%s::regclass)"
    run.index_bytes, run.table_bytes = connection.execute(sizes, [TABLE]).fetchone() or (0, 0)


def _rows(first: int, points: NDArray[np.float32]) -> bytes:
    """The rows in PostgreSQL's binary format.

    A vector is its number of dimensions, an unused number, and the values.
    """
    version = f"S{len(MODEL_VERSION)}"
    layout = np.dtype([
        ("fields", ">i2"), ("length1", ">i4"), ("id", ">i8"), ("length2", ">i4"), ("dimensions", ">i2"),
        ("unused", ">i2"), ("vector", ">f2", DIMENSIONS), ("length3", ">i4"), ("version", version), ("null", ">i4"),
    ])  # fmt: skip
    rows = np.zeros(len(points), layout)
    rows["fields"], rows["length1"], rows["length2"] = 4, 8, 4 + 2 * DIMENSIONS
    rows["id"] = np.arange(first, first + len(points))
    rows["dimensions"], rows["vector"] = DIMENSIONS, points
    rows["length3"], rows["version"], rows["null"] = len(MODEL_VERSION), MODEL_VERSION, -1
    return HEADER + rows.tobytes() + TRAILER


def time_searches(connection: psycopg.Connection, run: SimilarRun) -> None:
    from analysis.models import Viewer  # needs Django set up
    from analysis.search import results
    from analysis.search.syntax.parser import parse

    (label,) = connection.execute("SELECT name FROM analysis_label ORDER BY image_count DESC").fetchone() or ("",)
    # Public pictures; an anonymous visitor sees few of the others.
    rows = connection.execute("SELECT id FROM analysis_image WHERE visibility = 2 ORDER BY id").fetchall()
    chosen = [rows[index][0] for index in np.random.default_rng(4).permutation(len(rows))[:QUERIES]]
    reader, anonymous = Viewer(READER), Viewer()
    cases = {
        "first page": ("", reader),
        "beside a label": (f' "{label}"', reader),
        "for an anonymous visitor": ("", anonymous),
    }
    for name, (term, viewer) in cases.items():
        queries = [parse(f"similar:{image_id}{term}") for image_id in chosen]
        run.milliseconds[name] = [_fastest(lambda: results.page(query, viewer=viewer)) for query in queries]  # noqa: B023
    for image_id in chosen[:CHECKED]:
        image_ids = results.image_ids(parse(f"similar:{image_id}"), viewer=reader, limit=500)
        began = time.perf_counter()
        exact = _exact(connection, image_id)
        run.milliseconds.setdefault("without the index", []).append(1_000 * (time.perf_counter() - began))
        run.match_counts.append(len(image_ids))
        run.recall.append(len(set(image_ids) & set(exact)) / len(exact) if exact else 1.0)


def _exact(connection: psycopg.Connection, image_id: int) -> list[int]:
    """Exact result: the similar pictures by comparison with all vectors."""
    with connection.transaction():
        connection.execute("SET LOCAL enable_indexscan = off")
        rows = connection.execute(
            f"""SELECT id FROM (
                    SELECT i.id, e.vector <=> (SELECT vector FROM {TABLE} WHERE image_id = %(id)s) AS distance
                    FROM {TABLE} e JOIN analysis_image i ON i.id = e.image_id
                    WHERE (i.owner_id = %(reader)s OR i.visibility >= 1) AND i.trashed_at IS NULL AND i.id <> %(id)s
                    OFFSET 0) compared
                WHERE distance <= 0.5 ORDER BY distance LIMIT 500""",
            {"id": image_id, "reader": READER},
        )
        return [image_id for (image_id,) in rows]


def _fastest(search: Callable[[], object]) -> float:
    """Milliseconds of the faster of two calls."""
    times = []
    for _ in range(2):
        began = time.perf_counter()
        search()
        times.append(1_000 * (time.perf_counter() - began))
    return min(times)


def report(pictures: int, run: SimilarRun) -> Report:
    target = TARGETS.get(pictures)
    measurements = [
        Measurement(
            name=f"similar: p95, {name}",
            value=float(np.percentile(times, 95)),
            unit="ms",
            at_most=target if name in {"first page", "beside a label"} else None,
        )
        for name, times in run.milliseconds.items()
    ]
    measurements += [
        Measurement(name="similar pictures that the index finds", value=float(np.mean(run.recall)), unit="",
                    at_least=0.95),
        Measurement(name="size of the index", value=run.index_bytes / 1e6, unit="MB"),
        Measurement(name="size of the table", value=run.table_bytes / 1e6, unit="MB"),
    ]  # fmt: skip
    if run.index_built_in:
        measurements.append(Measurement(name="time to build the index", value=run.index_built_in, unit="s"))
    notes = [
        f"{QUERIES} searches each, the faster of two calls; {np.mean(run.match_counts):.0f} pictures on average.",
        "Generated vectors of 256 numbers in half precision, in scenes; HNSW with pgvector's defaults.",
    ]
    return Report(f"similar pictures among {pictures:,}", measurements, notes)


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:2])).to_json())
