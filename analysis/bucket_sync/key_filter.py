"""Which keys of a bucket are to be looked at, judged by the key alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from posixpath import splitext

from analysis.ingest.folder_scan import EXTENSIONS


@dataclass(frozen=True)
class KeyFilter:
    """Keys below a prefix that match one of `include` and none of `exclude`.

    Without `include`, whatever is called like a picture and whatever has no extension. Patterns are the shell's, a
    star crosses slashes, and case does not matter.
    """

    prefix: str = ""
    include: Collection[str] = ()
    exclude: Collection[str] = ()

    def takes(self, key: str) -> bool:
        if not key.startswith(self.prefix) or key.endswith("/") or "\0" in key:
            return False  # a key that ends in a slash is a folder that somebody made; PostgreSQL holds no NUL
        if self._matches(key, self.exclude):
            return False
        if self.include:
            return self._matches(key, self.include)
        extension = splitext(key)[1]
        return not extension or EXTENSIONS.fullmatch(extension) is not None

    def _matches(self, key: str, patterns: Collection[str]) -> bool:
        return any(fnmatchcase(key.lower(), pattern.lower()) for pattern in patterns)
