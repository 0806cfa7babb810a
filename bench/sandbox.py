"""Temporary libraries and programs that are always stopped at the end."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imagelib import embedded
from imagelib.embedded.binaries import wheel_folder

ROOT = Path(__file__).resolve().parent.parent
SHUTDOWN_SECONDS = 30.0  # for an orderly shutdown, before a program is killed
# A developer's own settings would distort the measurements.
DEVELOPER_SETTINGS = (
    "DATABASE_URL",
    "REDIS_URL",
    "ALLOWED_HOSTS",
    "SECRET_KEY",
    "HTTPS",
    "RECOGNIZER",
    "AWS_",
    "IMAGELIB_",
)
DEFAULTS = {"IMAGELIB_ENV_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", "PYTHONUNBUFFERED": "1"}


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is deleted at the end, also after SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="imagelib-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def var_folder() -> Iterator[Path]:
    """A temporary IMAGELIB_VAR; its servers are stopped at the end."""
    with temporary_folder() as folder:
        try:
            yield folder / "var"
        finally:
            embedded.remove(folder / "var")


@dataclass(frozen=True)
class Library:
    """A library whose services run until the bench ends."""

    var: Path

    def manage(self, *arguments: str) -> None:
        """Run a command of manage.py. Raises subprocess.CalledProcessError."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=environment(self.var), check=True, stdout=subprocess.DEVNULL, timeout=600)

    def add_user(self, name: str) -> str:
        """Create a user and return the password."""
        password = secrets.token_hex(8)
        env = {**environment(self.var), "DJANGO_SUPERUSER_PASSWORD": password}
        command = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username", name]
        command += ["--email", f"{name}@example.org"]
        subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL, timeout=600)
        return password


@contextmanager
def empty_library() -> Iterator[Library]:
    with var_folder() as var:
        embedded.start(var)
        library = Library(var)
        library.manage("migrate", "--verbosity", "0")
        yield library


def environment(var: Path | None = None, **settings: str) -> dict[str, str]:
    """Environment variables without a developer's settings, plus the given ones."""
    own = {} if var is None else {"IMAGELIB_VAR": str(var)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(DEVELOPER_SETTINGS)}
    return {**inherited, **DEFAULTS, **own, **settings}


def load_dump(dump: Path, *, database: str) -> None:
    """Load an SQL dump into an empty database. Raises subprocess.CalledProcessError."""
    command = [f"{wheel_folder()}/psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={dump}"]
    subprocess.run([*command, "--dbname", database], check=True, stdout=subprocess.DEVNULL, timeout=60)


class ProgramEnded(RuntimeError):
    """A program ended, or was killed, before it printed the expected line."""


class Program:
    """A program whose progress is read from its output."""

    def __init__(self, command: Sequence[str], *, folder: Path, env: Mapping[str, str]) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Its own group, so that `stop` reaches its children, and Ctrl-C here does not stop them first.
            start_new_session=True,
        )

    def discard_output(self) -> None:
        """Read and drop all further output, since a full pipe would stop the program."""
        assert self.process.stdout is not None
        threading.Thread(target=deque, args=(self.process.stdout, 0), daemon=True).start()

    def wait_for(self, text: str, *, seconds: float) -> str:
        """Wait for a line with this text. Raises ProgramEnded with the last output."""
        assert self.process.stdout is not None
        # Reading a line blocks without a limit, but ends if the program is killed.
        timer = threading.Timer(seconds, self._kill)
        timer.start()
        try:
            for line in self.process.stdout:
                self.lines.append(line)
                if text in line:
                    return line
        finally:
            timer.cancel()
        raise ProgramEnded(f"{text!r} was not printed within {seconds:.0f} s:\n{''.join(self.lines[-40:])}")

    def stop(self) -> float:
        """Interrupt the process group, as Ctrl-C does; returns the seconds until it ended."""
        began = time.monotonic()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.communicate(timeout=SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
            self.process.communicate()
        return time.monotonic() - began

    def _kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)


@contextmanager
def running_program(command: Sequence[str], *, folder: Path = ROOT, env: Mapping[str, str]) -> Iterator[Program]:
    program = Program(command, folder=folder, env=env)
    try:
        yield program
    finally:
        program.stop()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
