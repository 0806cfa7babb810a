"""A streaming replica of a library's embedded PostgreSQL, made by pg_basebackup."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen
from urllib.parse import quote

import psycopg

from bench.dataset import LoadedLibrary
from imagelib.embedded import postgres
from imagelib.embedded.binaries import readable_binaries
from imagelib.embedded.server import ENVIRONMENT, own_folder, run, unprivileged

SECONDS = 60.0


@dataclass(frozen=True)
class Replica:
    url: str
    process_id: int


@contextmanager
def replica_of(library: LoadedLibrary) -> Iterator[Replica]:
    """Copy the library's database and follow it; deleted at the end."""
    account, folder = unprivileged(), Path(tempfile.mkdtemp(prefix="imagelib-bench-replica-", dir="/var/tmp"))
    folder.chmod(0o711)
    for name in ("data", "socket"):
        own_folder(folder / name, account=account)
    try:
        _copy(library, folder / "data")
        command = _command(library, folder)
        process = Popen(
            command, env=ENVIRONMENT, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, cwd="/", start_new_session=True,
            user=account.uid, group=account.gid, extra_groups=account.groups,
        )  # fmt: skip
        try:
            replica = Replica(_url(folder), process.pid)
            _await_start(replica)
            yield replica
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(SECONDS)
    finally:
        shutil.rmtree(folder)


def _copy(library: LoadedLibrary, data: Path) -> None:
    """Copy the database by pg_basebackup. Raises RuntimeError."""
    account, var = unprivileged(), library.library.var
    access, before = _access(library), _access(library).read_text()
    # The embedded server accepts no replicas, so this line lets one that runs as another account connect to its socket.
    # The line stays, as each reconnect is checked again, until the server's next start rewrites the file.
    access.write_text(f"{before}local replication {postgres.NAME} trust\n")
    with psycopg.connect(library.url, autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")
    socket, program = postgres._socket_folder(var), readable_binaries(account) / "pg_basebackup"
    copy = [program, "-h", socket, "-p", str(postgres.PORT), "-U", postgres.NAME, "-D", data]
    copied = run([*copy, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"], account=account)
    if copied.returncode:
        raise RuntimeError(f"pg_basebackup failed: {copied.stderr}")


def _access(library: LoadedLibrary) -> Path:
    home = postgres._home(library.library.var)
    assert home
    return postgres._access_files(home)[0]


def _command(library: LoadedLibrary, folder: Path) -> list[str]:
    """The command with the primary's own settings, in another folder."""
    command = postgres._command(library.library.var, folder / "data", readable_binaries(unprivileged()))
    access = _access(library)
    files = {"hba_file": access, "ident_file": access.with_name("names.conf")}
    own = {**files, "unix_socket_directories": folder / "socket", "hot_standby": "on"}
    return [*command, *(part for name, value in own.items() for part in ("-c", f"{name}={value}"))]


def _url(folder: Path) -> str:
    return f"postgresql://{postgres.NAME}@{quote(str(folder / 'socket'), safe='')}:{postgres.PORT}/{postgres.NAME}"


def _await_start(replica: Replica) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            psycopg.connect(replica.url).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
