"""A dump of the test database after all migrations.

So not every process runs them: they take ten seconds of processor time, loading the dump one. It is kept outside of
checkouts, under a name that changes with whatever makes the database; it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import psycopg
from django.db import connection
from psycopg.conninfo import make_conninfo

from analysis.backup import programs
from imagelib.database_connection import parameters
from imagelib.embedded.server import own_folder

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(tempfile.gettempdir()) / f"imagelib-tests-database-{os.geteuid()}"
NAME = "migrated"
SOURCES = (
    *("requirements.txt", "analysis/*/migrations/*.py", "analysis/migrations/*.py", "analysis/models/*.py"),
    *("analysis/management/commands/migrate.py", "analysis/recognition/embeddings/table.py"),
    *("imagelib/accounts/migrations/*.py", "imagelib/accounts/models.py", "imagelib/accounts/roles.py"),
)


def load() -> None:
    """Have Django copy the test database from the dump, if there is one.

    Its `migrate` then finds nothing to do.
    """
    dump = path()
    if not dump.exists():
        return
    with psycopg.connect(**parameters(), autocommit=True) as client:
        client.execute(f"CREATE DATABASE {NAME} TEMPLATE template0")
    _run("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={dump}", database=NAME)
    connection.settings_dict["TEST"]["TEMPLATE"] = NAME


def save() -> None:
    """Keep a dump of the test database, which has just been migrated."""
    dump = path()
    if dump.exists():
        return
    partial = dump.with_suffix(f".{os.getpid()}")
    _run("pg_dump", "--no-owner", f"--file={partial}", database=str(connection.settings_dict["NAME"]))
    partial.replace(dump)


def path() -> Path:
    """The file of the dump, which may not exist yet."""
    state = hashlib.sha256()
    for source in sorted(source for pattern in SOURCES for source in ROOT.glob(pattern)):
        state.update(f"{source.relative_to(ROOT)}\0".encode() + source.read_bytes())
    return own_folder(FOLDER) / f"{state.hexdigest()[:16]}.sql"


def _run(program: str, *options: str, database: str) -> None:
    with psycopg.connect(**parameters()) as client:
        folder = programs.folder(client.info.server_version // 10_000)
    target = make_conninfo(**{**parameters(), "dbname": database})
    subprocess.run([folder / program, *options, "--dbname", target], check=True, stdout=subprocess.DEVNULL)
