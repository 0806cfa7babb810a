"""Bench of `manage.py census`: ten million rows as CSV and as Parquet."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from bench import sandbox
from bench.process_usage import Peak
from bench.report import Measurement, Report

ROWS, PARTS = 10_000_000, 10
LIMIT = 900.0
COLUMNS = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"
FORMATS = {
    "CSV": ("csv.gz", "FORMAT csv, HEADER false, FORCE_QUOTE *, COMPRESSION gzip"),
    "Parquet": ("parquet", "FORMAT parquet"),
}
# Half of the objects share the ETag of another one, two archive classes have a quarter each, a twentieth is noncurrent.
OBJECTS = """
    SELECT 'archive' AS bucket,
           format('{{}}/{{}}/{{:06d}}/DSC%20{{:08d}}.{{}}', 2015 + i % 10, i % 12, i // 1000, i,
                  ['JPG', 'jpg', 'png', 'NEF', 'heic'][i % 5 + 1]) AS key,
           'v' || md5(i::VARCHAR) AS version_id, i % 20 <> 0 AS is_latest, false AS is_delete_marker,
           1000000 + i // 2 % 5000000 AS size,
           strftime(TIMESTAMP '2015-01-01' + INTERVAL (i % 3650) DAY, '%Y-%m-%dT%H:%M:%S.000Z') AS last_modified_date,
           md5((i // 2)::VARCHAR) AS e_tag,
           ['STANDARD', 'GLACIER', 'STANDARD_IA', 'DEEP_ARCHIVE'][i % 4 + 1] AS storage_class
    FROM range({first}, {last}) objects (i)
"""


def measure(rows: int = ROWS) -> Report:
    measurements = []
    with sandbox.empty_library() as library, tempfile.TemporaryDirectory(dir=library.var) as name:
        for file_format in FORMATS:
            manifest = write_inventory(Path(name) / file_format, file_format, rows)
            seconds, memory = run_census(library.var, manifest, rows)
            title = f"{rows:,} rows of {file_format}"
            measurements += [
                Measurement(name=f"{title}: time", value=seconds, unit="s", at_most=300),
                Measurement(name=f"{title}: peak memory", value=memory, unit="MB", at_most=500),
            ]
    notes = [f"{PARTS} parts each, all four tables, from the start of the command to its end. The library is empty."]
    return Report("manage.py census", measurements, notes)


def write_inventory(folder: Path, file_format: str, rows: int) -> Path:
    """Generate the parts and their manifest; returns the manifest."""
    extension, options = FORMATS[file_format]
    folder.mkdir()
    files = []
    for number in range(PARTS):
        path = folder / f"{number}.{extension}"
        query = OBJECTS.format(first=number * rows // PARTS, last=(number + 1) * rows // PARTS)
        duckdb.execute(f"COPY ({query}) TO '{path}' ({options})")
        with path.open("rb") as file:
            checksum = hashlib.file_digest(file, "md5").hexdigest()
        files.append({"key": path.name, "size": path.stat().st_size, "MD5checksum": checksum})
    manifest = folder / "manifest.json"
    document = {"sourceBucket": "archive", "fileFormat": file_format, "fileSchema": COLUMNS, "files": files}
    manifest.write_text(json.dumps({**document, "creationTimestamp": "1764460800000"}))
    return manifest


def run_census(var: Path, manifest: Path, rows: int) -> tuple[float, float]:
    """Run the census and check its counts; returns seconds, and peak memory in MB."""
    command = [sys.executable, "manage.py", "census", str(manifest), "--json"]
    began = time.monotonic()
    with (manifest.parent / "census.json").open("w+") as out:
        process = subprocess.Popen(command, cwd=sandbox.ROOT, env=sandbox.environment(var), stdout=out, text=True)
        peak = Peak()
        peak.watch(process, seconds=LIMIT)
        seconds = time.monotonic() - began
        out.seek(0)
        figures = json.load(out)
    counted = figures["total"]["objects"] + figures["left_out"]["noncurrent"]
    if counted != rows:
        raise RuntimeError(f"The census counted {counted:,} of {rows:,} rows.")
    return seconds, peak.largest


if __name__ == "__main__":
    print(measure().to_json())
