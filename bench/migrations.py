"""Benchmark of migrations: seconds for each in a library of a million pictures.

    python -m bench.migrations 0025

migrates a copy of the library's database back to migration 0025, and forward to the newest. The copy is deleted
afterwards.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from bench.dataset import MIGRATIONS, LoadedLibrary, django_setup, loaded_library
from bench.report import Measurement, Report

PICTURES = 1_000_000
FIRST = "0025"  # docs/upgrading.md: the last one for which processes have to be stopped
COPY = "imagelib_migrated"


def measure(first: str = FIRST) -> Report:
    (target,) = [path.stem for path in MIGRATIONS.glob(f"{first}*.py")]
    with loaded_library(PICTURES) as library, copied(library):
        backward, forward = migrate(target)
        settings = library.settings()
    total = Measurement(name="all of them", value=sum(step.value for step in forward), unit="s")
    back = f"Back to {target}: {sum(step.value for step in backward):.0f} s. Load at the end: {os.getloadavg()[0]:.1f}."
    return Report(f"migrations after {target}, {PICTURES:,} pictures", [*forward, total], [back, settings])


@contextmanager
def copied(library: LoadedLibrary) -> Iterator[None]:
    """Set up Django on a copy of the database; copying takes half a minute."""
    server = library.url.removesuffix("/imagelib")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {COPY}")
        # Copying files is faster than the default, which writes every page to the log.
        connection.execute(f"CREATE DATABASE {COPY} TEMPLATE imagelib STRATEGY file_copy")
        try:
            with django_setup(library, DATABASE_URL=f"{server}/{COPY}"):
                yield
        finally:
            connection.execute(f"DROP DATABASE {COPY} WITH (FORCE)")


def migrate(target: str) -> tuple[list[Measurement], list[Measurement]]:
    """Migrate backward to the target and forward to the newest, measuring each step."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    steps: list[Measurement] = []
    began = 0.0

    def note(action: str, migration: object = None, _fake: bool = False) -> None:
        nonlocal began
        if action in {"apply_start", "unapply_start"}:
            began = time.monotonic()
        elif action in {"apply_success", "unapply_success"}:
            steps.append(Measurement(name=str(migration), value=time.monotonic() - began, unit="s"))

    MigrationExecutor(connection, note).migrate([("analysis", target)])
    backward, steps[:] = list(steps), []
    executor = MigrationExecutor(connection, note)
    executor.migrate(executor.loader.graph.leaf_nodes())
    return backward, list(steps)


if __name__ == "__main__":
    print(measure(*sys.argv[1:]).table())
