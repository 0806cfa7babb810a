"""A place of its own for a bench: services and data in a temporary folder, and programs that surely end."""

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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imagelib import embedded

ROOT = Path(__file__).resolve().parent.parent
SHUTDOWN_SECONDS = 30.0  # seconds for an orderly end
# What a developer's environment may say and a bench must not hear.
DEVELOPERS = ("DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "SECRET_KEY", "HTTPS", "RECOGNIZER", "AWS_", "IMAGELIB_")
OURS = {"IMAGELIB_ENV_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", "PYTHONUNBUFFERED": "1"}


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, also when the bench is told to end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="imagelib-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def var_folder() -> Iterator[Path]:
    """A temporary IMAGELIB_VAR; servers that still run in it are stopped at the end."""
    with temporary_folder() as folder:
        try:
            yield folder / "var"
        finally:
            embedded.remove(folder / "var")


@dataclass(frozen=True)
class Library:
    """An empty library whose services run as long as the bench does."""

    var: Path

    def manage(self, *words: str) -> None:
        """Run a command of manage.py to its end."""
        command = [sys.executable, "manage.py", *words]
        subprocess.run(command, cwd=ROOT, env=environment(self.var), check=True, stdout=subprocess.DEVNULL, timeout=120)

    def add_person(self, name: str) -> str:
        """Answers the password."""
        password = secrets.token_hex(8)
        env = {**environment(self.var), "DJANGO_SUPERUSER_PASSWORD": password}
        words = ["createsuperuser", "--noinput", "--username", name, "--email", f"{name}@example.org"]
        command = [sys.executable, "manage.py", *words]
        subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL, timeout=120)
        return password


@contextmanager
def library() -> Iterator[Library]:
    with var_folder() as var:
        embedded.start(var)
        made = Library(var)
        made.manage("migrate", "--verbosity", "0")
        yield made


def environment(var: Path | None = None, **more: str) -> dict[str, str]:
    own = {} if var is None else {"IMAGELIB_VAR": str(var)}
    others = {name: value for name, value in os.environ.items() if not name.startswith(DEVELOPERS)}
    return {**others, **OURS, **own, **more}


class ProgramEnded(RuntimeError):
    """A program ended, or was ended, before it said what was awaited."""


class Talking:
    """A program that says on its output how far it is."""

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
            start_new_session=True,
        )

    def wait_for(self, words: str, *, seconds: float) -> str:
        """The next line with these words. Raises ProgramEnded, with what was said until then."""
        assert self.process.stdout is not None
        clock = threading.Timer(seconds, self._kill)
        clock.start()
        try:
            for line in self.process.stdout:
                self.lines.append(line)
                if words in line:
                    return line
        finally:
            clock.cancel()
        raise ProgramEnded(f"It did not say {words!r} within {seconds:.0f} s:\n{''.join(self.lines[-40:])}")

    def stop(self) -> float:
        """As Ctrl-C does: whoever is in its session hears it. Answers how many seconds it took."""
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
def running_program(command: Sequence[str], *, folder: Path = ROOT, env: Mapping[str, str]) -> Iterator[Talking]:
    program = Talking(command, folder=folder, env=env)
    try:
        yield program
    finally:
        program.stop()


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
