"""A generated library in our own tables: loaded once by COPY, then kept in the temporary folder for later runs."""

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
from bench.dataset import copy as dataset_copy
from bench.dataset import spec, thumbnails, words
from bench.dataset.indexes import without_indexes
from bench.dataset.spec import OWNERS, DatasetSpec
from imagelib import embedded
from imagelib.embedded import postgres

READER = 5
"""Whose eyes the benches look with: one of the owners, who sees their own pictures and what is shared."""
SETTINGS = {"shared_buffers": "4GB", "effective_cache_size": "12GB", "max_wal_size": "16GB"}
"""What a server for a million pictures would be given; everything else is as embedded servers have it."""
SHOWN = ("server_version", "shared_buffers", "effective_cache_size", "work_mem", "random_page_cost", "jit")
TABLES = ("image", "imagelabel", "imageindex", "imagetext", "face", "analysis", "label", "labelalias", "label_parents")
MIGRATIONS = sandbox.ROOT / "analysis" / "migrations"
SOURCES = (spec, words, dataset_copy, thumbnails)


@dataclass(frozen=True)
class Loaded:
    """A library of so many pictures whose servers run; `seconds` is what loading took, 0 if it was kept."""

    pictures: int
    library: sandbox.Library
    seconds: float

    @property
    def url(self) -> str:
        return embedded.database_url(self.library.var)

    def settings(self) -> str:
        with psycopg.connect(self.url) as connection:
            shown = [(name, connection.execute(f"SHOW {name}").fetchone()) for name in SHOWN]
        return ", ".join(f"{name} {row[0]}" for name, row in shown if row)


@contextmanager
def loaded(pictures: int) -> Iterator[Loaded]:
    """Raises imagelib.embedded.ServerStartError."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["IMAGELIB_EMBEDDED_FSYNC"] = "off"  # it is made again sooner than repaired
    postgres.SETTINGS.update(SETTINGS)
    folder = folder_of(pictures)
    try:
        seconds = 0.0 if (folder / "whole").exists() else _made(folder, pictures)
        embedded.start(folder / "var")
        yield Loaded(pictures, sandbox.Library(folder / "var"), seconds)
    finally:
        embedded.leave(folder / "var")


@contextmanager
def django_on(library: Loaded) -> Iterator[None]:
    """Sets Django up on this library, once and for all in this process; its connections are closed afterwards."""
    os.environ.update(environment(library), DJANGO_SETTINGS_MODULE="imagelib.settings")
    import django  # noqa: PLC0415 # the settings read the environment

    django.setup()
    from django.db import connection  # noqa: PLC0415

    try:
        yield
    finally:
        connection.close()
        connection.close_pool()


def folder_of(pictures: int) -> Path:
    return Path(tempfile.gettempdir()) / f"{_family(pictures)}{version()}"


def version() -> str:
    """Of other arithmetic or other tables the library is another."""
    content = b"".join(Path(str(module.__file__)).read_bytes() for module in SOURCES)
    tables = b"".join(path.read_bytes() for path in sorted(MIGRATIONS.glob("0*.py")))
    return hashlib.sha256(content + tables).hexdigest()[:8]


def _family(pictures: int) -> str:
    return f"imagelib-bench-library-{os.geteuid()}-{pictures}-"


def _made(folder: Path, pictures: int) -> float:
    """Seconds it took. Libraries of this size that an older recipe made go."""
    for old in folder.parent.glob(f"{_family(pictures)}*"):
        embedded.remove(old / "var")
        shutil.rmtree(old)
    folder.mkdir()
    folder.chmod(0o755)
    began = time.monotonic()
    embedded.start(folder / "var")
    library = sandbox.Library(folder / "var")
    library.manage("migrate", "--verbosity", "0")
    thumbnails.write(library.var / "pictures")
    with psycopg.connect(embedded.database_url(library.var), autocommit=True) as connection:
        fill(connection, DatasetSpec(pictures))
        for table in TABLES:
            connection.execute(f"VACUUM (ANALYZE) analysis_{table}")
    (folder / "whole").touch()
    return time.monotonic() - began


def fill(connection: psycopg.Connection, recipe: DatasetSpec) -> None:
    """All rows of a library into empty tables."""
    connection.execute("SET maintenance_work_mem = '1GB'")
    connection.execute("SET work_mem = '256MB'")
    tables = [f"analysis_{name}" for name in TABLES]
    _add_people(connection)
    with without_indexes(connection, tables):
        counts = np.zeros(spec.LABELS + spec.RARE + 1, np.int64)
        for chunk in recipe.chunks():
            for name, columns, content in dataset_copy.of_chunk(chunk):
                copy(connection, f"analysis_{name}", columns, content)
            counts += np.bincount(chunk.labels.label, minlength=len(counts))
        for name, columns, content in dataset_copy.of_labels(recipe, counts):
            copy(connection, f"analysis_{name}", columns, content)
        # As store.repeated says it; the bytes of all of them differ. Before there are indexes to be kept up with it.
        connection.execute(
            """UPDATE analysis_image image SET has_duplicate = true
               FROM (SELECT phash FROM analysis_image GROUP BY phash HAVING count(*) > 1) repeated
               WHERE image.phash = repeated.phash"""
        )
    _derive(connection)


def copy(connection: psycopg.Connection, table: str, columns: str, content: bytes) -> None:
    """Binary rows are told by their signature."""
    how = "(FORMAT binary)" if content.startswith(dataset_copy.SIGNATURE) else ""
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN {how}") as copying:
        for start in range(0, len(content), 1 << 20):
            copying.write(content[start : start + (1 << 20)])


def _add_people(connection: psycopg.Connection) -> None:
    connection.execute(
        """INSERT INTO accounts_user (id, username, password, first_name, last_name, email, time_zone, theme,
                                      is_staff, is_superuser, is_active, date_joined)
           SELECT id, 'owner-' || lpad(id::text, 3, '0'), '!', '', '', '', '', 'system', false, false, true, now()
           FROM generate_series(1, %s) id""",
        [OWNERS],
    )


def _derive(connection: psycopg.Connection) -> None:
    """The narrow row of each picture, as migration 0003 says it; sequences that go on behind what is there."""
    with without_indexes(connection, ["analysis_imageindex"]):
        connection.execute(
            """INSERT INTO analysis_imageindex
                   (image_id, added_at, owner_id, visibility, label_ids, brightness, sharpness, contrast)
               SELECT image_id, min(added_at), min(owner_id), min(visibility), array_agg(label_id ORDER BY label_id),
                      20 + image_id * 7 % 80, 20 + image_id * 11 % 80, 20 + image_id * 13 % 80
               FROM analysis_imagelabel GROUP BY image_id"""
        )
    for table in ("image", "face", "analysis", "label"):
        connection.execute(
            f"SELECT setval(pg_get_serial_sequence('analysis_{table}', 'id'), (SELECT max(id) FROM analysis_{table}))"
        )


def environment(loaded: Loaded) -> Mapping[str, str]:
    return sandbox.environment(loaded.library.var)
