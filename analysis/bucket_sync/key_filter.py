"""Which keys of a bucket are to be looked at, judged by the key alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from posixpath import splitext

from analysis.ingest.exclusions import is_in_system_folder, matches
from analysis.ingest.folder_scan import EXTENSIONS


@dataclass(frozen=True)
class KeyFilter:
    """Keys below a prefix that match one of `include` and none of `exclude`.

    Without `include`, whatever is called like a picture and whatever has no extension. Below the prefix, hidden files
    and system folders are passed over, as everywhere: see exclusions.
    """

    prefix: str = ""
    include: Collection[str] = ()
    exclude: Collection[str] = ()

    def takes(self, key: str) -> bool:
        if not key.startswith(self.prefix) or key.endswith("/") or "\0" in key:
            return False  # a key that ends in a slash is a folder that somebody made; PostgreSQL holds no NUL
        if is_in_system_folder(key.removeprefix(self.prefix)) or matches(key, self.exclude):
            return False
        if self.include:
            return matches(key, self.include)
        extension = splitext(key)[1].rstrip()  # a key may end in a blank, and is called like a picture all the same
        return not extension or EXTENSIONS.fullmatch(extension) is not None
