"""What both servers have in common: started detached, known to be alive by a lock they inherit, stopped by signal.

A process id proves nothing: it may linger as a zombie, or belong to a stranger after a reboot. So each server gets
the descriptor of its locked folder and hands it to its own children. The lock is free exactly when none of them lives.
That lock is also what keeps systemd-tmpfiles away from the folder.
"""

import fcntl
import hashlib
import os
import pwd
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imagelib.private_files import append_to

PATIENCE = 60.0  # seconds for a start; recovery after a crash takes most
FAREWELL = 10.0  # seconds for an orderly stop
PERSISTENT_TMP = Path("/var/tmp")  # noqa: S108 - only folders of root's own inside
LOG_LIMIT = 5_000_000  # bytes after which a log is set aside at the next start
# Nothing of the caller's environment reaches a server: PGPORT, PGDATA and others would change it.
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


class ServerStartError(RuntimeError):
    """An embedded server cannot be started; says why, what to do and what the server's log says."""


@dataclass(frozen=True)
class Account:
    """Whom a server runs as; None means as ourselves."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        return None if self.uid is None else []


def unprivileged() -> Account:
    """PostgreSQL refuses to run as root; root's servers run as nobody."""
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


@dataclass(frozen=True, kw_only=True)
class Server:
    name: str
    folder: Path  # locked as long as the server or a child of it lives
    log: Path
    pid_file: Path  # written by the server itself
    complaint: Callable[[], str]  # empty when the server answers

    def start(self, prepare: Callable[[int], Sequence[str]], *, account: Account) -> None:
        """Returns when the server answers; `prepare` gets the descriptor of the lock and gives the command."""
        deadline = time.monotonic() + PATIENCE
        launched = False
        while complaint := self.complaint():
            if time.monotonic() > deadline:
                raise ServerStartError(
                    f"{self._whoami()} runs but does not answer: {complaint}. End it and start again."
                )
            lock = take_lock(self.folder)
            if lock is not None:
                try:
                    if launched:
                        raise ServerStartError(
                            f"{self.name} ended while it started. {self.log} says:\n{tail(self.log)}"
                        )
                    detach(prepare(lock), log=self.log, keep=lock, account=account)
                    launched = True
                finally:
                    os.close(lock)
            time.sleep(0.01)

    def stop(self, *signals: signal.Signals) -> None:
        """Sends the signals one after another, each with its time to work, until the server is gone."""
        for number in signals:
            pid = self.pid()
            if pid is None or not self.is_alive():
                return
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + FAREWELL
            while self.is_alive() and time.monotonic() < deadline:
                time.sleep(0.01)

    def is_alive(self) -> bool:
        if not self.folder.exists():
            return False
        lock = take_lock(self.folder)
        if lock is None:
            return True
        os.close(lock)
        return False

    def pid(self) -> int | None:
        try:
            return int(self.pid_file.read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _whoami(self) -> str:
        pid = self.pid()
        return self.name if pid is None else f"{self.name} (process {pid})"


def take_lock(path: Path) -> int | None:
    """The descriptor of the file or folder, exclusively locked; None if somebody else holds it."""
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def detach(command: Sequence[str], *, log: Path, keep: int, account: Account) -> None:
    """Starts a command that is nobody's child, in a session of its own: no Ctrl-C, no pipes of ours, no zombie."""
    with open_log(log) as output:
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *command],
            check=True,
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(keep,),
            start_new_session=True,
            user=account.uid,
            group=account.gid,
            extra_groups=account.groups,
        )


def run(
    command: Sequence[str | Path], *, account: Account, keep: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, with its output as text."""
    return subprocess.run(
        command,
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        pass_fds=keep,
        start_new_session=True,
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
    )


def open_log(path: Path) -> BinaryIO:
    """Opens a log for appending; one that has grown too long is set aside first."""
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return append_to(path)


def tail(path: Path, *, lines: int = 12) -> str:
    """The last lines of a log, indented."""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 16_384))
        text = log.read().decode(errors="replace")
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])


def runtime_folder(var: Path) -> Path:
    """Where the sockets of `var` are: short, since a socket's path has about 100 characters, and the same for every
    process of this user whatever its TMPDIR says."""
    base = "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()  # noqa: S108 - a private folder inside
    return Path(base) / f"imagelib-{os.geteuid()}-{fingerprint(var)}"


def fingerprint(var: Path) -> str:
    return hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:10]


def own_folder(path: Path, *, account: Account | None = None, mode: int = 0o700) -> Path:
    """Makes a folder that belongs to the account (ourselves by default), and refuses one somebody else put there."""
    uid = account.uid if account and account.uid is not None else os.geteuid()
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (uid, os.geteuid()) or found.st_mode & 0o022:
            raise ServerStartError(
                f"{path} was not made by imagelib for this user: remove it and start again."
            ) from None
    if path.stat().st_uid != uid:
        os.chown(path, uid, -1)
    path.chmod(mode)
    return path
