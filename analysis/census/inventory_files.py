"""Reads the files of an inventory, from a folder or S3."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

from analysis.aws import s3_objects
from analysis.aws.errors import AWSError
from analysis.aws.object_refs import S3Object
from analysis.census.inventory import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    InvalidInventory,
    Inventory,
    Part,
    parse_manifest,
    without_manifest,
)
from analysis.messages import gettext_noop

MAX_PARTS = 20_000
_CHUNK_BYTES = 2**20
_NO_MANIFEST = gettext_noop("There is no %(name)s, and no Parquet file. Pass the manifest.json of an inventory.")


class Source(Protocol):
    """Files of one inventory."""

    def read(self) -> Inventory:
        """The inventory. Raises InvalidInventory, AWSError."""

    def has(self, part: Part) -> bool:
        """False if the part is gone. Raises AWSError."""

    @contextmanager
    def open(self, part: Part, folder: Path) -> Iterator[Path]:
        """The part as a file. Raises AWSError, OSError."""


@dataclass(frozen=True)
class FolderSource:
    """A downloaded inventory, with or without the folders of its keys."""

    path: Path

    def read(self) -> Inventory:
        manifest = self.path / MANIFEST if self.path.is_dir() else self.path
        try:
            if manifest.is_file():
                return parse_manifest(_checked_size(manifest).read_bytes())
            keys = [str(file) for file in sorted(self.path.rglob("*")) if file.is_file() and _is_parquet(file)]
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if not keys:
            raise InvalidInventory(_NO_MANIFEST, name=str(manifest))
        return without_manifest(keys[:MAX_PARTS])

    def has(self, part: Part) -> bool:
        return self._find(part) is not None

    @contextmanager
    def open(self, part: Part, folder: Path) -> Iterator[Path]:  # noqa: ARG002
        file = self._find(part)
        if file is None:
            raise FileNotFoundError(part.key)
        yield file

    def _find(self, part: Part) -> Path | None:
        """The path of a part: its key below a parent folder, or its name nearby."""
        here = self.path if self.path.is_dir() else self.path.parent
        key = Path(part.key)
        if key.is_absolute() and here in key.parents:  # a key by without_manifest
            return key
        if key.is_absolute() or ".." in key.parts:  # a manifest must not name files elsewhere
            return None
        around = [here, *here.resolve().parents]
        places = [*(folder / key for folder in around), here / key.name, here / "data" / key.name]
        places.append(here.resolve().parent / "data" / key.name)
        return next((path for path in places if path.is_file()), None)


@dataclass(frozen=True)
class S3Source:
    """An inventory in S3, read with s3:GetObject on its files."""

    client: s3_objects.Client
    bucket: str
    key: str

    def read(self) -> Inventory:
        key = f"{self.key}{MANIFEST}" if self.key.endswith("/") else self.key
        content = BytesIO()
        try:
            # Limited, since a wrong key may name an object of any size, which would be read into memory.
            info = s3_objects.download(
                self.client, S3Object(self.bucket, key), into=content, maximum=MAX_MANIFEST_BYTES
            )
        except AWSError as error:
            if error.is_absent and self.key.endswith("/"):
                return self._read_listing()
            if error.is_absent:
                raise InvalidInventory(_NO_MANIFEST, name=f"s3://{self.bucket}/{key}") from error
            raise
        if info.size > MAX_MANIFEST_BYTES:
            raise _too_large(key)
        return parse_manifest(content.getvalue())

    def has(self, part: Part) -> bool:
        try:
            s3_objects.head(self.client, S3Object(self.bucket, part.key))
        except AWSError as error:
            if error.is_absent:
                return False
            raise
        return True

    @contextmanager
    def open(self, part: Part, folder: Path) -> Iterator[Path]:
        path = folder / "part"
        try:
            with path.open("wb") as file:
                s3_objects.download(self.client, S3Object(self.bucket, part.key), into=file)
            yield path
        finally:
            # Deleted at once, so that the disk holds one part of a large inventory at a time.
            path.unlink(missing_ok=True)

    def _read_listing(self) -> Inventory:
        # Athena's exports have no extension, and its markers and manifests are small or end in csv.
        keys: list[str] = []
        for page in s3_objects.pages(self.client, self.bucket, prefix=self.key):
            keys += [info.key for info in page if info.size > 0 and not info.key.endswith((".csv", "/"))]
            if len(keys) >= MAX_PARTS:
                break
        if not keys:
            raise InvalidInventory(_NO_MANIFEST, name=f"s3://{self.bucket}/{self.key}{MANIFEST}")
        return without_manifest(keys[:MAX_PARTS])


def has_checksum(path: Path, part: Part) -> bool:
    """False if the file differs from the manifest's MD5; True without one."""
    if not part.md5:
        return True
    # Builds of OpenSSL in FIPS mode refuse MD5 for security.
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == part.md5


def _is_parquet(path: Path) -> bool:
    # By the first bytes, since Athena's exports have no extension.
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _checked_size(path: Path) -> Path:
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise _too_large(str(path))
    return path


def _too_large(name: str) -> InvalidInventory:
    return InvalidInventory(gettext_noop("%(name)s is too large to be a manifest."), name=name)


def _unreadable(path: Path, error: OSError) -> InvalidInventory:
    template = gettext_noop("%(path)s cannot be read: %(error)s.")
    return InvalidInventory(template, path=str(path), error=error.strerror or type(error).__name__)
