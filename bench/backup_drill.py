"""Bench of backups: of 10,000 pictures, a second one, and a restore."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from bench import sandbox
from bench.report import Measurement, Report
from imagelib import embedded

PICTURES = 10_000
SIZE = 100_000  # bytes of an original
NEW = 100
LIMIT = 1_200.0
FILL = """
from bench import seed_backup
seed_backup.fill({count}, size={size})
"""


def measure() -> Report:
    with sandbox.empty_library() as library:
        target, var = library.var.parent / "backup", library.var
        _manage(var, "shell", "-v0", "-c", FILL.format(count=PICTURES, size=SIZE))
        first = _manage(var, "backup", str(target))
        _manage(var, "shell", "-v0", "-c", FILL.format(count=NEW, size=SIZE))
        second = _manage(var, "backup", str(target))
        verified = _manage(var, "verify_backup", str(target))
        before = _fingerprint(var)
        with psycopg.connect(embedded.database_url(var), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        shutil.rmtree(var / "pictures")
        restored = _manage(var, "restore", str(target))
        is_same = _fingerprint(var) == before
        size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    measurements = [
        Measurement(name="first backup", value=first, unit="s"),
        Measurement(name=f"second backup, {NEW} pictures are new", value=second, unit="s"),
        Measurement(name="verification of every file", value=verified, unit="s"),
        Measurement(name="restore of a lost library", value=restored, unit="s", at_most=300),
        Measurement(name="rows and files as before (1 = yes)", value=float(is_same), unit="", at_least=1),
    ]
    notes = [
        f"{PICTURES + NEW:,} pictures with originals of {SIZE // 1000} kB, two renditions and a result each;"
        f" {size / 1e9:.1f} GB in the backup. From the start of each command until it exits.",
    ]
    return Report("backup and restore", measurements, notes)


def _manage(var: Path, *arguments: str) -> float:
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=sandbox.ROOT,
        env=sandbox.environment(var),
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=LIMIT,
    )
    return time.monotonic() - began


def _fingerprint(var: Path) -> tuple[list[tuple[str, int, str]], int, int]:
    """A hash of the largest tables' rows, and number and bytes of the files."""
    tables = ("analysis_image", "analysis_analysis", "analysis_imagelabel", "analysis_label", "accounts_user")
    with psycopg.connect(embedded.database_url(var), autocommit=True) as connection:
        rows = [
            (
                table,
                *connection.execute(
                    f"SELECT count(*), md5(string_agg(md5(entry::text), '' ORDER BY entry::text)) FROM {table} entry"
                ).fetchone(),
            )
            for table in tables
        ]
    sizes = [path.stat().st_size for path in (var / "pictures").rglob("*") if path.is_file()]
    return rows, len(sizes), sum(sizes)


if __name__ == "__main__":
    print(measure().to_json())
