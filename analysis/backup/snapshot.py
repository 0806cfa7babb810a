"""A snapshot of the database: its dump, numbers of rows, and keys of files."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import IO, cast

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from analysis.backup import manifest, programs
from analysis.backup.library_files import LibraryFile, Options, library_files
from analysis.backup.location import CHUNK_BYTES, Location, StoredFile
from analysis.models import Image

OF_EXTENSION = "SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'"
TABLES = f"""
SELECT relname FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace AND NOT EXISTS ({OF_EXTENSION})
ORDER BY relname
"""


@dataclass(frozen=True)
class Snapshot:
    postgres: int
    migrations: list[str]
    tables: dict[str, int]
    database: StoredFile
    pictures: int
    files: int


def take(location: Location, name: str, keys: IO[bytes], *, options: Options) -> Snapshot:
    """Dump the database, and write the keys of its files. Raises BackupError."""
    # One snapshot for the dump, the keys and the counts. durable, since the level is set before the first statement of
    # a transaction, which must be this one.
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot(), current_setting('server_version_num')::int / 10000")
        exported, postgres = cursor.fetchone()
        dump = _dump(location, name, snapshot=exported, postgres=postgres)
        files = 0
        for file in library_files(options):
            keys.write(json.dumps(asdict(file)).encode() + b"\n")
            files += 1
        applied = MigrationRecorder(connection).applied_migrations()
        return Snapshot(
            postgres=postgres,
            migrations=sorted(f"{app}.{migration}" for app, migration in applied),
            tables=count_rows(),
            database=dump,
            pictures=Image.objects.count(),
            files=files,
        )


def read_keys(keys: IO[bytes]) -> Iterator[LibraryFile]:
    keys.seek(0)
    for line in keys:
        yield LibraryFile(**json.loads(line))


def count_rows() -> dict[str, int]:
    """Number of rows of each table, without those of extensions."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = [name for (name,) in cursor.fetchall()]
        counts = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
            counts[table] = cursor.fetchone()[0]
        return counts


def _dump(location: Location, name: str, *, snapshot: str, postgres: int) -> StoredFile:
    with programs.dump(programs.folder(postgres), snapshot=snapshot) as output:
        measured = _Measured(output)
        location.save(manifest.path(name, manifest.DATABASE), cast(IO[bytes], measured))
    return measured.result()


class _Measured(io.RawIOBase):
    """A stream that is hashed while it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._digest, self._size = stream, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size if size > 0 else CHUNK_BYTES)
        self._digest.update(content)
        self._size += len(content)
        return content

    def seekable(self) -> bool:
        return False

    def result(self) -> StoredFile:
        return StoredFile(self._size, self._digest.hexdigest())
