"""Starts, checks and stops a detached server process.

A process id proves nothing: it may be a zombie's, or another program's after a reboot. So a server and its children
inherit the descriptor of the locked folder, and the lock is free exactly when none of them is alive. systemd-tmpfiles
also skips locked folders.
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

from analysis.messages import MessageError, gettext_noop
from imagelib.private_files import append_to

START_TIMEOUT = 60.0  # seconds; crash recovery may take most of them
STOP_TIMEOUT = 10.0  # seconds per signal
PERSISTENT_TMP = Path("/var/tmp")  # noqa: S108 - own_folder checks the owner
LOG_LIMIT = 5_000_000  # bytes; a larger log is rotated at the next start
# Servers do not inherit the environment, since PGPORT, PGDATA and others would change their behavior.
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


class ServerStartError(MessageError):
    """An embedded server can't be started; the message has the cause and a fix."""


@dataclass(frozen=True)
class Account:
    """The account that a server runs as; None for this process's account."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        return None if self.uid is None else []


def unprivileged() -> Account:
    """The account for PostgreSQL, which refuses to run as root; for root, `nobody`."""
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


@dataclass(frozen=True, kw_only=True)
class Server:
    name: str
    folder: Path  # locked while the server or a child of it is alive
    log: Path
    pid_file: Path  # written by the server itself
    check: Callable[[], str]  # returns the error; empty once the server responds

    def start(self, prepare: Callable[[int], Sequence[str]], *, account: Account) -> None:
        """Start the server and wait until it responds.

        `prepare` gets the lock's descriptor and returns the command.
        """
        deadline = time.monotonic() + START_TIMEOUT
        launched = False
        while error := self.check():
            if time.monotonic() > deadline:
                raise ServerStartError(
                    gettext_noop("%(server)s is running but does not respond: %(error)s. Stop it and try again."),
                    server=self._describe(),
                    error=error,
                )
            lock = take_lock(self.folder)
            if lock is not None:
                try:
                    if launched:
                        raise ServerStartError(
                            gettext_noop("%(server)s exited while starting. The end of %(log)s:\n%(lines)s"),
                            server=self.name,
                            log=self.log,
                            lines=tail(self.log),
                        )
                    detach(prepare(lock), log=self.log, keep=lock, account=account)
                    launched = True
                finally:
                    os.close(lock)
            time.sleep(0.01)

    def stop(self, *signals: signal.Signals) -> None:
        """Send one signal after another until the server has exited."""
        for number in signals:
            pid = self.pid()
            if pid is None or not self.is_alive():
                return
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + STOP_TIMEOUT
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
        # The file is missing, or empty while the server writes it.
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _describe(self) -> str:
        pid = self.pid()
        return self.name if pid is None else f"{self.name} (process {pid})"


def take_lock(path: Path) -> int | None:
    """Lock a file or folder exclusively; returns its descriptor, None if it is taken."""
    # A folder can't be opened for writing; flock locks it all the same.
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def detach(command: Sequence[str], *, log: Path, keep: int, account: Account) -> None:
    """Start a command as a daemon: in its own session, not as a child of this process."""
    with open_log(log) as output:
        subprocess.run(
            # The shell ends at once, so the system's first process becomes the parent. It collects the server when that
            # ends; this process would leave a zombie, or may be gone.
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
    """Run a command and return its output as text."""
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
    """Open a log for appending; a large one is rotated first."""
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
    """The folder for the sockets of `var`.

    Its path is short, since socket paths are limited to about 100 characters, and does not depend on TMPDIR, which may
    differ between processes.
    """
    base = "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()  # noqa: S108 - own_folder checks the owner
    return Path(base) / f"imagelib-{os.geteuid()}-{fingerprint(var)}"


def fingerprint(var: Path) -> str:
    return hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:10]


def own_folder(path: Path, *, account: Account | None = None, mode: int = 0o700) -> Path:
    """Create a folder for the account, or check that it owns the existing one."""
    uid = account.uid if account and account.uid is not None else os.geteuid()
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        # Not stat: in /tmp another account may have made a symbolic link of this name first.
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (uid, os.geteuid()) or status.st_mode & 0o022:
            raise ServerStartError(
                gettext_noop("%(path)s does not belong to imagelib and this user. Remove it and try again."), path=path
            ) from None
    if path.stat().st_uid != uid:
        os.chown(path, uid, -1)
    path.chmod(mode)
    return path
