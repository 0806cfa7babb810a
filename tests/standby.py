"""A streaming replica of the tests' PostgreSQL, made by pg_basebackup."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen

import psycopg
from django.db import connection, connections

from imagelib.embedded import postgres
from imagelib.embedded.binaries import readable_binaries
from imagelib.embedded.server import ENVIRONMENT, own_folder, run, unprivileged
from tests import environment

SECONDS = 30.0


class Standby:
    """The replica's server; its statements are those of a superuser."""

    def __init__(self, folder: Path, process: Popen[bytes]) -> None:
        self.folder, self._process = folder, process

    def execute(self, statement: str) -> object:
        own = psycopg.connect(host=str(self.folder), port=postgres.PORT, user=postgres.NAME, dbname=name())
        with own:
            return own.execute(statement).fetchone()[0]

    def wait(self, statement: str, expected: object) -> None:
        """Until the statement returns this; the server writes and replays on its own."""
        until = time.monotonic() + SECONDS
        while self.execute(statement) != expected:
            assert time.monotonic() < until, f"{statement} is not {expected}"

    def catch_up(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_flush_lsn()::text")
            [position] = cursor.fetchone()
        self.wait(f"SELECT pg_last_wal_replay_lsn() >= '{position}'", True)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(SECONDS)


def name() -> str:
    """The tests' database, which the replica has as well."""
    return str(connection.settings_dict["NAME"])


@contextmanager
def started() -> Iterator[Standby]:
    """Runs a replica under the alias "replica"."""
    account, folder = unprivileged(), Path(tempfile.mkdtemp(prefix="imagelib-standby-", dir="/var/tmp"))
    folder.chmod(0o711)
    own_folder(folder / "data", account=account)
    own_folder(folder / "socket", account=account)
    home, primary = postgres._home(environment.VAR), postgres._socket_folder(environment.VAR)
    binaries = readable_binaries(account)
    access, _names = postgres._access_files(home)
    before = access.read_text()
    process = None
    try:
        # The embedded server serves no replicas; here one that runs as another account may connect to its socket.
        access.write_text(f"{before}local replication {postgres.NAME} trust\n")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_reload_conf()")
        copy = [binaries / "pg_basebackup", "-h", primary, "-p", str(postgres.PORT), "-U", postgres.NAME]
        copied = run(
            [*copy, "-D", folder / "data", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"], account=account
        )
        assert copied.returncode == 0, copied.stderr
        settings = {"listen_addresses": "", "port": str(postgres.PORT), "shared_buffers": "16MB", "fsync": "off"}
        settings |= {"unix_socket_directories": str(folder / "socket"), "timezone": "UTC"}
        settings |= {"hba_file": str(access), "ident_file": str(_names), "hot_standby": "on"}
        options = [part for pair in settings.items() for part in ("-c", "=".join(pair))]
        process = Popen(
            [str(binaries / "postgres"), "-D", str(folder / "data"), *options],
            env=ENVIRONMENT, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, cwd="/", start_new_session=True,
            user=account.uid, group=account.gid, extra_groups=account.groups,
        )  # fmt: skip
        standby = Standby(folder / "socket", process)
        _await_start(standby)
        connections.settings["replica"] = connections.settings["default"] | {
            "HOST": str(folder / "socket"),
            "OPTIONS": {"pool": {"min_size": 1, "timeout": 1}},
        }
        # Django's tests refuse to connect to databases that they did not prepare.
        connections["replica"].ensure_connection = _connect
        yield standby
    finally:
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            process.wait(SECONDS)
        if "replica" in connections.settings:
            connections["replica"].close()
            connections["replica"].close_pool()
            del connections["replica"], connections.settings["replica"]
        access.write_text(before)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_reload_conf()")
        shutil.rmtree(folder)


def _connect() -> None:
    """Connect as Django does outside of tests."""
    replica = connections["replica"]
    if replica.connection is None:
        with replica.wrap_database_errors:
            replica.connect()


def _await_start(standby: Standby) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            standby.execute("SELECT 1")
        except psycopg.OperationalError:
            assert time.monotonic() < until, "the replica does not start"
        else:
            return
