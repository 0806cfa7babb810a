"""Files and folders that imports skip.

Hidden ones, trash folders, thumbnails made by devices.
"""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase

SYSTEM_FOLDERS = (
    # Synology and QNAP
    *("@eaDir", "@tmp", "@Recycle", "@Recently-Snapshot", "@SynoResource", "#recycle", "#snapshot"),
    # Windows
    *("$RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information", "FOUND.000"),
    # Linux, macOS
    *("lost+found", "__MACOSX", "Network Trash Folder", "Temporary Items", "iPod Photo Cache"),
)
"""Compared without case. Names that begin with a dot are always excluded."""
PREVIEWS = ".lrdata"
"""Extension of Lightroom's folders of previews."""

_SYSTEM_FOLDERS = frozenset(name.casefold() for name in SYSTEM_FOLDERS)


def is_hidden(name: str) -> bool:
    return name.startswith(".")


def is_system_folder(name: str) -> bool:
    """True for hidden folders too."""
    folded = name.casefold()
    return is_hidden(name) or folded in _SYSTEM_FOLDERS or folded.endswith(PREVIEWS)


def is_in_system_folder(path: str) -> bool:
    """True for the path, with slashes, of a hidden file or one inside a system folder."""
    *folders, name = path.split("/")
    return is_hidden(name) or any(is_system_folder(folder) for folder in folders if folder not in {"", ".", ".."})


def matches(path: str, patterns: Collection[str]) -> bool:
    """Match shell patterns without case; a star also matches slashes."""
    return any(fnmatchcase(path.lower(), pattern.lower()) for pattern in patterns)
