"""Bench of the API: lists with labels, labels by file name, and exports.

The library has a million generated pictures; BENCH_API_PICTURES=200000 takes one of another size.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psycopg
from psycopg.abc import Query as Sql

from bench import sandbox
from bench.dataset import READER, LoadedLibrary, django_setup, environment, loaded_library
from bench.report import Measurement, Report, percentile
from bench.search.workload import WorkloadGenerator

PICTURES = int(os.environ.get("BENCH_API_PICTURES", "1000000"))
EXPORTED, ROUNDS = 100_000, 3
FILES = 200
EXPORT_LIMIT = 600.0  # seconds
NEWEST = f"SELECT id FROM analysis_image WHERE trashed_at IS NULL ORDER BY added_at DESC, id DESC LIMIT {EXPORTED}"
BOXES = """SELECT jsonb_agg(jsonb_build_object('Confidence', 90.5, 'BoundingBox', jsonb_build_object(
                      'Left', 0.0625 * n, 'Top', 0.125, 'Width', 0.25, 'Height', 0.5)))
           FROM generate_series(1, il.instance_count) n"""
RESPONSES: Sql = f"""
    UPDATE analysis_analysis a SET answer = jsonb_build_object('Labels', r.labels, 'LabelModelVersion', '3.0')
    FROM (SELECT il.image_id, jsonb_agg(jsonb_build_object(
                     'Name', l.name, 'Confidence', (il.confidence / 100.0)::float8,
                     'Parents', jsonb_build_array(jsonb_build_object('Name', l.category)), 'Aliases', '[]'::jsonb,
                     'Categories', jsonb_build_array(jsonb_build_object('Name', l.category)),
                     'Instances', coalesce(({BOXES}), '[]'::jsonb))) AS labels
          FROM analysis_imagelabel il JOIN analysis_label l ON l.id = il.label_id AND l.kind = 'label'
          WHERE il.image_id IN ({NEWEST}) GROUP BY il.image_id) r
    WHERE a.image_id = r.image_id AND a.api = 'labels' AND a.is_current AND NOT a.answer ? 'LabelModelVersion'
    """.encode()


def measure() -> Report:
    os.environ["API_REQUESTS_PER_MINUTE"] = "1000000"  # requests are counted as always, but never refused
    with loaded_library(PICTURES) as library, psycopg.connect(library.url, autocommit=True) as connection:
        add_responses(connection)
        exports = list(export_rounds(library))
        with django_setup(library):
            times = time_requests(connection, pictures=library.pictures)
    measurements = [*list_measurements(times), *export_measurements(exports)]
    return Report(f"API with {PICTURES:,} pictures", measurements, notes(times, exports[0]["export"]))


def notes(times: dict[str, list[float]], exported: dict[str, Any]) -> list[str]:
    return [
        "Requests in this process, through all middleware, warm, one client; the faster of two calls.",
        f"{len(times['list'])} lists of 100 images: first and second pages of searches of all kinds, as a user who "
        f"sees nine tenths of the pictures. {len(times['file'])} file names, one in ten of no picture.",
        f"JSON Lines of the newest {exported['pictures']:,} pictures with boxes, {exported['size'] / 1e6:.0f} MB; "
        f"median of {ROUNDS} rounds. The loop reads the pictures with labels and responses by one statement and a "
        "server-side cursor, and makes the same bytes.",
    ]


def add_responses(connection: psycopg.Connection) -> None:
    """Give the newest pictures full responses, from which exports read the boxes."""
    if connection.execute(RESPONSES).rowcount:
        connection.execute("VACUUM (ANALYZE) analysis_analysis")


def time_requests(connection: psycopg.Connection, *, pictures: int) -> dict[str, list[float]]:
    from bench.api.requests import full_pages, reader_client  # needs Django set up

    texts = ["", "sort:oldest", *(case.text for case in WorkloadGenerator(connection, pictures=pictures).cases())]
    with reader_client() as api:
        pages = full_pages(api, texts)
        return {
            "list": [api.milliseconds("/images", **page, expand="labels") for page in pages],
            "plain": [api.milliseconds("/images", **page) for page in pages],
            "few fields": [api.milliseconds("/images", **page, fields="filename", expand="labels") for page in pages],
            "boxes": [api.milliseconds("/images", **page, expand="boxes") for page in pages],
            "file": [api.milliseconds("/labels", filename=name, confidences="true") for name in file_names(connection)],
        }


def file_names(connection: psycopg.Connection) -> list[str]:
    """File names of pictures that the reader sees, and some that no picture has."""
    rows = connection.execute(
        "SELECT filename FROM analysis_image WHERE owner_id = %s OR visibility > 0 ORDER BY id LIMIT 50000", [READER]
    ).fetchall()
    chosen = np.random.default_rng(5).permutation(len(rows))[:FILES]
    names = [str(rows[index][0]) for index in chosen]
    return [f"missing-{name}" if number % 10 == 0 else name for number, name in enumerate(names)]


def export_rounds(library: LoadedLibrary) -> Iterator[dict[str, dict[str, Any]]]:
    """Run export and loops in turn. Raises AssertionError if their bytes differ."""
    for _ in range(ROUNDS):
        results = {name: export_job(library, name) for name in ("export", "loop", "read")}
        assert results["export"]["sha256"] == results["loop"]["sha256"], "The loop's bytes differ from the export's."
        yield results


def export_job(library: LoadedLibrary, name: str) -> dict[str, Any]:
    """Run a job in a separate process. Raises subprocess.CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="imagelib-bench-") as folder:
        arguments = [name, str(library.library.var), str(min(EXPORTED, library.pictures)), str(Path(folder) / "out")]
        process = subprocess.run(
            [sys.executable, "-m", "bench.api.export", *arguments],
            cwd=sandbox.ROOT,
            env={**environment(library), "DJANGO_SETTINGS_MODULE": "imagelib.settings"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=EXPORT_LIMIT,
        )
    values: dict[str, Any] = json.loads(process.stdout)
    return values


def list_measurements(times: dict[str, list[float]]) -> Iterator[Measurement]:
    names = {
        "list": ("list of 100 images with labels", 60.0),
        "boxes": ("list of 100 images with labels and boxes", None),
        "few fields": ("list of 100 file names with labels", None),
        "plain": ("list of 100 images", None),
        "file": ("labels by file name", 5.0),
    }
    for key, (name, target) in names.items():
        yield Measurement(name=f"{name} p50", value=median(times[key]), unit="ms")
        yield Measurement(name=f"{name} p95", value=percentile(times[key], 0.95), unit="ms", at_most=target)


def export_measurements(rounds: list[dict[str, dict[str, Any]]]) -> Iterator[Measurement]:
    def speed(name: str) -> float:
        return median(result[name]["pictures"] / result[name]["seconds"] for result in rounds)

    memory = {key: max(result["export"][key] for result in rounds) for key in ("early", "late")}
    yield Measurement(
        name="JSON Lines, cursor loop", value=speed("export"), unit="/s", baseline=speed("loop"), at_least_ratio=0.5
    )
    yield Measurement(name="JSON Lines, loop that only reads", value=speed("export"), unit="/s", baseline=speed("read"))
    yield Measurement(
        name="export's peak memory, after 10,000",
        value=memory["late"],
        unit="MB",
        baseline=memory["early"],
        at_most_ratio=1.05,
    )


if __name__ == "__main__":
    print(measure().to_json())
