"""Jobs of bench.api: export as JSON Lines, and the loop to compare with.

python -m bench.api.export JOB FILE NUMBER runs a job in a separate process, so that its memory can be measured.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.abc import Query as Sql

from imagelib import embedded

EARLY = 10_000
"""Pictures after which memory is measured for the first time."""
LOOP: Sql = b"""
    SELECT i.id, i.filename, i.title, i.sha256, i.width, i.height, i.format, i.size, i.taken_at, i.added_at,
           i.latitude, i.longitude,
           (SELECT json_agg(json_build_array(l.name, l.kind, il.confidence, il.instance_count, v.decision)
                            ORDER BY il.confidence DESC, l.name)
            FROM analysis_imagelabel il JOIN analysis_label l ON l.id = il.label_id AND NOT l.is_hidden
            LEFT JOIN analysis_verdict v ON v.image_id = il.image_id AND v.label_id = il.label_id
            WHERE il.image_id = i.id),
           a.answer
    FROM analysis_image i
    LEFT JOIN analysis_analysis a ON a.image_id = i.id AND a.api = 'labels' AND a.is_current
    WHERE i.trashed_at IS NULL ORDER BY i.added_at DESC, i.id DESC LIMIT %s"""
FIELDS = ("id", "filename", "title", "sha256", "width", "height", "format", "size")
CORNERS = ("Left", "Top", "Width", "Height")


def export(number: int) -> Iterator[bytes]:
    """The lines of imagelib's export of the newest pictures."""
    import django

    django.setup()
    from analysis.exports.formats import FORMATS, write
    from analysis.exports.image_rows import Options, image_rows
    from analysis.models import Viewer
    from analysis.search.query import Query

    rows = image_rows(Query(), viewer=Viewer(sees_all=True), options=Options(), has_boxes=True)
    return write(FORMATS["jsonl"], itertools.islice(rows, number))


def loop(number: int) -> Iterator[bytes]:
    """The same lines from one statement, as a simple script would write them."""
    for *fields, taken, added, latitude, longitude, rows, answer in _rows(number):
        boxes = {label["Name"]: label["Instances"] for label in answer["Labels"] if label["Instances"]}
        values = {
            **dict(zip(FIELDS, fields, strict=True)),
            "taken_at": taken and taken.replace(tzinfo=None).isoformat(),
            "added_at": added.isoformat(),
            "location": None if latitude is None else [latitude, longitude],
            "labels": [_label(label, boxes.get(label[0])) for label in rows or ()],
        }
        yield json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _label(label: Sequence[Any], boxes: Sequence[Any] | None) -> dict[str, Any]:
    name, kind, confidence, instances, decision = label
    values = {
        "name": name,
        "kind": kind,
        "confidence": confidence / 100,
        "instances": instances,
        "verdict": decision,
    }
    if boxes:
        values["boxes"] = [[*(box["BoundingBox"][corner] for corner in CORNERS), box["Confidence"]] for box in boxes]
    return values


def read(number: int) -> Iterator[bytes]:
    """The loop's reading of rows, without writing anything."""
    return (b"" for _row in _rows(number))


def _rows(number: int) -> Iterator[tuple[Any, ...]]:
    with (
        psycopg.connect(embedded.database_url(Path(sys.argv[2]))) as connection,
        connection.cursor(name="bench") as cursor,
    ):
        connection.execute("SET TIME ZONE 'UTC'")
        cursor.itersize = 1_000
        # For server-side cursors PostgreSQL plans for fast first rows by default; here all rows are needed.
        connection.execute("SET cursor_tuple_fraction = 1")
        yield from cursor.execute(LOOP, [number])


def run(lines: Callable[[int], Iterator[bytes]], number: int, path: Path) -> dict[str, object]:
    """Write the lines to a file, as an export does."""
    digest, early, written = hashlib.sha256(), 0.0, 0
    chunks = lines(number)
    began = time.perf_counter()
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            written += 1
            if written == EARLY:
                early = _peak_memory()
    seconds = time.perf_counter() - began
    size = path.stat().st_size
    path.unlink()
    return {
        "seconds": seconds,
        "pictures": written,
        "size": size,
        "sha256": digest.hexdigest(),
        "early": early,
        "late": _peak_memory(),
    }


def _peak_memory() -> float:
    """The largest resident set of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


JOBS = {job.__name__: job for job in (export, loop, read)}

if __name__ == "__main__":
    name, _var, number, path = sys.argv[1:]
    print(json.dumps(run(JOBS[name], int(number), Path(path))))
