"""Stores the prepared models in their folder, each one complete or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from analysis.messages import MessageError, gettext_noop
from analysis.recognition.local import configuration


class ModelUnavailable(MessageError):
    """A model cannot be used. The message says why and what to do."""


@dataclass(frozen=True)
class Record:
    """The file next to a prepared model, with the hashes of its source and of itself.

    `recipe`: version of the code that made it.
    """

    source: str
    recipe: int
    sha256: str


@dataclass(frozen=True)
class PreparedModel:
    """A model that imagelib makes itself. `source`: SHA-256 of its source file."""

    name: str
    source: str
    recipe: int
    suffix: str = ".onnx"

    @property
    def path(self) -> Path:
        return folder() / f"{self.name}{self.suffix}"

    @property
    def record_path(self) -> Path:
        return folder() / f"{self.name}.json"

    def record(self) -> Record | None:
        """The record of the file.

        None if there is none or it was made from something else.
        """
        try:
            record = Record(**json.loads(self.record_path.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        is_current = (record.source, record.recipe) == (self.source, self.recipe)
        return record if is_current and self.path.is_file() else None

    def version(self) -> tuple[int, ...]:
        return file_version(self.path)

    def is_whole(self) -> bool:
        record = self.record()
        return record is not None and sha256(self.path) == record.sha256

    def verified_path(self) -> Path:
        """The file. Raises ModelUnavailable if it is missing or was changed."""
        record = self.record()
        if record is None:
            raise ModelUnavailable(
                gettext_noop("The model %(name)s is not prepared. Run `manage.py prepare_models`."), name=self.name
            )
        if sha256(self.path) != record.sha256:
            raise ModelUnavailable(
                gettext_noop("The model file %(path)s was changed or cut off. Run `manage.py prepare_models`."),
                path=str(self.path),
            )
        return self.path

    def prepare(self, build: Callable[[], bytes]) -> bool:
        """Make the file unless it exists and is complete; return False if it did.

        Concurrent processes take turns, and all use the file of the first one.
        Raises ModelUnavailable if it cannot be written.
        """
        if self.is_whole():
            return False
        try:
            with _locked(folder() / f"{self.name}.lock"):
                if self.is_whole():
                    return False
                self._write(build())
        except OSError as error:
            raise ModelUnavailable(
                gettext_noop("The model cannot be stored in %(folder)s: %(error)s. Correct IMAGELIB_MODELS."),
                folder=str(folder()),
                error=error.strerror or str(error),
            ) from error
        return True

    def _write(self, content: bytes) -> None:
        record = Record(self.source, self.recipe, hashlib.sha256(content).hexdigest())
        # The record last: a model without a record counts as incomplete.
        self.record_path.unlink(missing_ok=True)
        _write(self.path, content)
        _write(self.record_path, json.dumps(asdict(record)).encode())


def folder() -> Path:
    """The folder of prepared models. Raises ModelUnavailable if none is configured."""
    configured = configuration.current().folder
    if configured is None:
        raise ModelUnavailable(gettext_noop("No folder for models is configured. Set IMAGELIB_MODELS."))
    return configured


def sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces to keep the worker's memory small."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_version(path: Path) -> tuple[int, ...]:
    """Numbers that change when the file is replaced; empty without a file."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes) -> None:
    """Replace the file atomically, so that no reader sees half of it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            # Before the rename: otherwise a power failure could leave an empty file under the final name.
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)  # temporary files are 0o600, but workers may run as another account
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
