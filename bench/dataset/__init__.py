"""Generated libraries: loaded once by COPY and reused by later runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg

from bench import sandbox
from bench.dataset import copy as copy_rows
from bench.dataset import spec, thumbnails, words
from bench.dataset.indexes import without_indexes
from bench.dataset.spec import OWNERS, DatasetSpec
from imagelib import embedded
from imagelib.embedded import postgres

READER = 5  # user id of the owner who searches in the benches, and sees own and shared pictures
# Settings of a server for a million pictures; all others are those of the embedded server.
SETTINGS = {"shared_buffers": "4GB", "effective_cache_size": "12GB", "max_wal_size": "16GB"}
REPORTED_SETTINGS = ("server_version", "shared_buffers", "effective_cache_size", "work_mem", "random_page_cost", "jit")
TABLES = ("image", "imagelabel", "imageindex", "imagetext", "face", "analysis", "label", "labelalias")
TABLES += ("label_parents", "labelancestor")
MIGRATIONS = sandbox.ROOT / "analysis" / "migrations"
SOURCES = (spec, words, copy_rows, thumbnails)


@dataclass(frozen=True)
class LoadedLibrary:
    """A generated library with its servers; `seconds` of loading, 0 if reused."""

    pictures: int
    library: sandbox.Library
    seconds: float

    @property
    def url(self) -> str:
        return embedded.database_url(self.library.var)

    def settings(self) -> str:
        with psycopg.connect(self.url) as connection:
            values = [(name, connection.execute(f"SHOW {name}").fetchone()) for name in REPORTED_SETTINGS]
        return ", ".join(f"{name} {row[0]}" for name, row in values if row)


@contextmanager
def loaded_library(pictures: int) -> Iterator[LoadedLibrary]:
    """Load a library if needed and start it. Raises embedded.ServerStartError."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["IMAGELIB_EMBEDDED_FSYNC"] = "off"  # after a power failure it is loaded again, not repaired
    postgres.SETTINGS.update(SETTINGS)
    folder = folder_of(pictures)
    try:
        seconds = 0.0 if (folder / "complete").exists() else _create(folder, pictures)
        embedded.start(folder / "var")
        yield LoadedLibrary(pictures, sandbox.Library(folder / "var"), seconds)
    finally:
        embedded.leave(folder / "var")


@contextmanager
def django_setup(library: LoadedLibrary, **settings: str) -> Iterator[None]:
    """Set Django up on this library; close its connections at the end."""
    os.environ.update({**environment(library), **settings}, DJANGO_SETTINGS_MODULE="imagelib.settings")
    import django  # the settings read the environment

    django.setup()
    from django.db import connection

    try:
        yield
    finally:
        connection.close()
        connection.close_pool()


def folder_of(pictures: int) -> Path:
    return Path(tempfile.gettempdir()) / f"{_folder_prefix(pictures)}{version()}"


def version() -> str:
    """Hash of generator and migrations, since a change of either needs a new library."""
    content = b"".join(Path(str(module.__file__)).read_bytes() for module in SOURCES)
    tables = b"".join(path.read_bytes() for path in sorted(MIGRATIONS.glob("0*.py")))
    return hashlib.sha256(content + tables).hexdigest()[:8]


def _folder_prefix(pictures: int) -> str:
    return f"imagelib-bench-library-{os.geteuid()}-{pictures}-"


def _create(folder: Path, pictures: int) -> float:
    """Load a library in place of older versions; returns the seconds."""
    for outdated in folder.parent.glob(f"{_folder_prefix(pictures)}*"):
        embedded.remove(outdated / "var")
        shutil.rmtree(outdated)
    folder.mkdir()
    # For root, PostgreSQL runs as another user, who has to pass through this folder.
    folder.chmod(0o755)
    began = time.monotonic()
    embedded.start(folder / "var")
    library = sandbox.Library(folder / "var")
    library.manage("migrate", "--verbosity", "0")
    thumbnails.write(library.var / "pictures")
    with psycopg.connect(embedded.database_url(library.var), autocommit=True) as connection:
        fill(connection, DatasetSpec(pictures))
        for table in TABLES:
            # Without it index-only scans would read the table, too, and plans would rest on guesses.
            connection.execute(f"VACUUM (ANALYZE) analysis_{table}")
    (folder / "complete").touch()
    return time.monotonic() - began


def fill(connection: psycopg.Connection, dataset: DatasetSpec) -> None:
    """Fill empty tables with all rows of a library."""
    connection.execute("SET maintenance_work_mem = '1GB'")
    connection.execute("SET work_mem = '256MB'")
    tables = [f"analysis_{name}" for name in TABLES]
    _add_users(connection)
    with without_indexes(connection, tables):
        counts = np.zeros(spec.LABELS + spec.RARE + 1, np.int64)
        for chunk in dataset.chunks():
            for name, columns, content in copy_rows.chunk_tables(chunk):
                copy_into(connection, f"analysis_{name}", columns, content)
            counts += np.bincount(chunk.labels.label, minlength=len(counts))
        for name, columns, content in copy_rows.label_tables(dataset, counts):
            copy_into(connection, f"analysis_{name}", columns, content)
        # As analysis.library.duplicate_flags does, but by hashes alone, as no two files have the same bytes here. Done
        # before the indexes exist, which would otherwise have to be updated.
        connection.execute(
            """UPDATE analysis_image image SET has_duplicate = true
               FROM (SELECT phash FROM analysis_image GROUP BY phash HAVING count(*) > 1) duplicates
               WHERE image.phash = duplicates.phash"""
        )
    _add_search_index(connection)


def copy_into(connection: psycopg.Connection, table: str, columns: str, content: bytes) -> None:
    """COPY rows into a table, in the binary format if they begin with its signature."""
    options = "(FORMAT binary)" if content.startswith(copy_rows.SIGNATURE) else ""
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN {options}") as copying:
        for start in range(0, len(content), 1 << 20):
            copying.write(content[start : start + (1 << 20)])


def _add_users(connection: psycopg.Connection) -> None:
    connection.execute(
        """INSERT INTO accounts_user (id, username, password, first_name, last_name, email, time_zone, theme,
                                      is_staff, is_superuser, is_active, date_joined)
           SELECT id, 'owner-' || lpad(id::text, 3, '0'), '!', '', '', '', '', 'system', false, false, true, now()
           FROM generate_series(1, %s) id""",
        [OWNERS],
    )


def _add_search_index(connection: psycopg.Connection) -> None:
    """Add each picture's row for search, and advance sequences past the loaded ids."""
    with without_indexes(connection, ["analysis_imageindex"]):
        connection.execute(
            """INSERT INTO analysis_imageindex
                   (image_id, sort_time, owner_id, visibility, label_ids, brightness, sharpness, contrast)
               SELECT image_id, min(sort_time), min(owner_id), min(visibility), array_agg(label_id ORDER BY label_id),
                      20 + image_id * 7 % 80, 20 + image_id * 11 % 80, 20 + image_id * 13 % 80
               FROM analysis_imagelabel GROUP BY image_id"""
        )
    for table in ("image", "face", "analysis", "label"):
        connection.execute(
            f"SELECT setval(pg_get_serial_sequence('analysis_{table}', 'id'), (SELECT max(id) FROM analysis_{table}))"
        )


def environment(library: LoadedLibrary) -> Mapping[str, str]:
    return sandbox.environment(library.library.var)
