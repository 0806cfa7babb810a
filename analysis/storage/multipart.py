"""Multipart uploads, for storage that accepts them from browsers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from analysis.storage import blobs


@dataclass(frozen=True)
class Part:
    """An uploaded part."""

    size: int
    etag: str


def is_supported() -> bool:
    return hasattr(blobs.storage(), "start_multipart")


def start(key: str) -> str:
    """The id of a new upload in parts. Raises StorageError."""
    with blobs.failures(key):
        return str(_storage().start_multipart(key))


def part_url(key: str, multipart_id: str, *, number: int, size: int, seconds: int) -> str:
    """A URL to PUT one part of `size` bytes. Raises StorageError."""
    with blobs.failures(key):
        return str(_storage().part_url(key, multipart_id, number=number, size=size, seconds=seconds))


def uploaded(key: str, multipart_id: str) -> dict[int, Part]:
    """The uploaded parts by number.

    Raises BlobMissing after they were completed or deleted, or StorageError.
    """
    with blobs.failures(key):
        parts = _storage().multipart_sizes(key, multipart_id)
    return {number: Part(size, etag) for number, (size, etag) in parts.items()}


def complete(key: str, multipart_id: str, parts: Mapping[int, Part]) -> None:
    """Make the parts one file. Raises BlobMissing or StorageError."""
    with blobs.failures(key):
        _storage().complete_multipart(key, multipart_id, {number: part.etag for number, part in parts.items()})


def abort(key: str, multipart_id: str) -> None:
    """Delete the parts, if there still are any. Raises StorageError."""
    with blobs.failures(key):
        _storage().abort_multipart(key, multipart_id)


def _storage() -> Any:
    return cast(Any, blobs.storage())
