"""PostgreSQL's own programs: pg_dump, pg_restore, psql."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from django.utils.translation import gettext as _
from psycopg.conninfo import make_conninfo

from analysis.backup.errors import BackupError
from imagelib.database_connection import parameters
from imagelib.embedded.binaries import wheel_folder

Command = list[str | Path]
NAMES = ("pg_dump", "pg_restore", "psql")
DEBIAN = Path("/usr/lib/postgresql")


def folder(major: int) -> Path:
    """The folder of programs of the server's version. Raises BackupError."""
    # Not newer ones, since their scripts set parameters that an older server does not know, and nothing would be
    # restored.
    for candidate in _candidates():
        if all((candidate / name).exists() for name in NAMES) and _major(candidate / "pg_dump") == major:
            return candidate
    sentence = _(
        "The server is PostgreSQL %(version)s, but no pg_dump, pg_restore and psql of that version were found. Install"
        " its client programs (Debian: postgresql-client-%(version)s), and put them on the PATH."
    )
    raise BackupError(sentence % {"version": major})


def _candidates() -> Iterator[Path]:
    if folder := wheel_folder():
        yield folder
    yield from (Path(name) for name in os.get_exec_path())
    if DEBIAN.is_dir():
        yield from sorted(path / "bin" for path in DEBIAN.iterdir())


def _major(program: Path) -> int:
    try:
        output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    except OSError:
        return 0
    match = re.search(r"\) (\d+)", output)
    return int(match[1]) if match else 0


@contextmanager
def dump(programs: Path, *, snapshot: str) -> Iterator[IO[bytes]]:
    """pg_dump's output at a snapshot. Raises BackupError at the end if it failed."""
    # Without owners and privileges, since the roles of the server that it is restored on may have other names.
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
    with _running([programs / "pg_dump", *options, *_connection()], stdout=subprocess.PIPE) as process:
        yield cast(IO[bytes], process.stdout)


def load(programs: Path, archive: IO[bytes], *, before: str, after: str) -> None:
    """Run an archive's statements, between others, in one transaction.

    Raises BackupError; then nothing is changed.
    """
    # Without comments, since only its owner may comment on an extension.
    script: Command = [programs / "pg_restore", "--no-owner", "--no-privileges", "--no-comments", "--file=-"]
    # Without ON_ERROR_STOP, psql would continue after an error: its COMMIT rolls back, and its status is 0.
    client: Command = [programs / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", *_connection(), "--file=-"]
    archive.seek(0)
    with _running(client, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as psql:
        target = cast(IO[bytes], psql.stdin)
        with suppress(BrokenPipeError):  # psql ended, and its output says why
            target.write(f"BEGIN;\n{before};\n".encode())
            with _running(script, stdin=archive, stdout=subprocess.PIPE) as statements:
                shutil.copyfileobj(cast(IO[bytes], statements.stdout), target, 2**20)
            # Only after pg_restore succeeded: if it fails, psql's input ends without these statements, and the server
            # rolls back.
            target.write(f"\n{after};\nCOMMIT;\n".encode())
            target.flush()


@contextmanager
def _running(
    command: Command, *, stdout: int, stdin: int | IO[bytes] = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=errors, env={**os.environ, **_password(), "LC_ALL": "C"}
        )
        try:
            yield process
            _close_pipes(process)
            status = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            _close_pipes(process)
            raise
        if status:
            errors.seek(0)
            raise BackupError(_failure(Path(command[0]).name, errors.read(10_000)))


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            # Closing stdin writes what is still buffered, which fails once the program has ended.
            with suppress(BrokenPipeError):
                pipe.close()


def _failure(program: str, output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines() or ["?"]
    error = next((line for line in lines if "ERROR" in line or "error:" in line), lines[-1])
    text = re.sub(r"^.*?(ERROR|error|FATAL):\s*", "", error).rstrip(".")
    return _("%(program)s failed: %(error)s.") % {"program": program, "error": text}


def _connection() -> list[str]:
    return ["--dbname", make_conninfo(**{key: value for key, value in parameters().items() if key != "password"})]


def _password() -> dict[str, str]:
    # In the environment, since all users of the machine can read command lines.
    password = parameters().get("password")
    return {"PGPASSWORD": str(password)} if password else {}
