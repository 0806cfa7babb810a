"""`similar:` in a library of 100,000 pictures, or of as many as its argument says: python -m bench.similar 1000000."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import psycopg
from numpy.typing import NDArray

from bench.dataset import copy_into, django_setup, loaded_library
from bench.dataset.copy import HEADER, TRAILER
from bench.dataset.indexes import without_indexes
from bench.report import Report

PICTURES = 100_000
TARGETS = {100_000: 20.0, 1_000_000: 60.0}  # milliseconds
DIMENSIONS, MODEL_VERSION = 256, b"efficientnet-lite0 1"
CLUSTER = 40  # pictures of one scene, on average
NOISE = 0.55  # of a picture around its scene: cosines of about 0.75 within it, as of crops of one photograph
CHUNK = 50_000
QUERIES, CHECKED = 200, 40
TABLE = "analysis_imageembedding"


@dataclass
class SimilarRun:
    loaded_in: float = 0.0  # seconds, 0 if an earlier run did
    index_built_in: float = 0.0
    index_bytes: int = 0
    table_bytes: int = 0
    first_page: list[float] = field(default_factory=list)  # milliseconds
    with_label: list[float] = field(default_factory=list)
    without_index: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)


def measure(pictures: int = PICTURES) -> Report:
    with loaded_library(pictures) as library, django_setup(library):
        run = SimilarRun()
        with psycopg.connect(library.url, autocommit=True) as connection:
            load(connection, pictures, run)
            time_searches(connection, library, run)
    return report(pictures, run)


def vectors(first: int, number: int, pictures: int) -> NDArray[np.float32]:
    """Vectors of the pictures from `first` on: those of a scene are near each other, scenes are not."""
    generator = np.random.default_rng([first, 2])
    scenes = np.random.default_rng(1).integers(0, max(1, pictures // CLUSTER), pictures)[first - 1 : first - 1 + number]
    centers = np.stack([np.random.default_rng([3, int(scene)]).normal(size=DIMENSIONS) for scene in scenes])
    points = centers + NOISE * generator.normal(size=(number, DIMENSIONS))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def load(connection: psycopg.Connection, pictures: int, run: SimilarRun) -> None:
    """Fill the table by COPY and build the index afterwards, unless an earlier run did."""
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
    """The rows in PostgreSQL's binary format; pgvector's is: dimensions, an unused number, the values."""
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
