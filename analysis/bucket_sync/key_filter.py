"""Selects a bucket's objects by their keys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from posixpath import splitext

from analysis.ingest.exclusions import is_in_system_folder, matches
from analysis.ingest.folder_scan import EXTENSIONS
from analysis.ingest.sidecar import is_sidecar


@dataclass(frozen=True)
class KeyFilter:
    """Keys with a prefix that match a pattern of `include` and none of `exclude`.

    Without `include`, keys with the extension of an image format or without extension. Hidden files and system folders
    below the prefix are skipped, see `exclusions`.
    """

    prefix: str = ""
    include: Collection[str] = ()
    exclude: Collection[str] = ()

    def accepts(self, key: str) -> bool:
        if not self._is_chosen(key):
            return False
        if self.include:
            return matches(key, self.include)
        extension = splitext(key)[1].rstrip()  # keys may end in spaces
        return not extension or EXTENSIONS.fullmatch(extension) is not None

    def accepts_sidecar(self, key: str) -> bool:
        """True for an XMP file, even if `include` does not match it."""
        return is_sidecar(key) and self._is_chosen(key)

    def _is_chosen(self, key: str) -> bool:
        if not key.startswith(self.prefix) or key.endswith("/") or "\0" in key:
            return False  # consoles create folders as keys with a slash; PostgreSQL cannot store NUL
        return not is_in_system_folder(key.removeprefix(self.prefix)) and not matches(key, self.exclude)
