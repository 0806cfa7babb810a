"""Folders and files that no door takes pictures from: hidden ones, trash cans, and thumbnails that devices make."""

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
"""Compared without regard to case; names that begin with a dot need no entry."""
PREVIEWS = ".lrdata"
"""Lightroom keeps its previews in folders that end so."""

_SYSTEM_FOLDERS = frozenset(name.casefold() for name in SYSTEM_FOLDERS)


def is_hidden(name: str) -> bool:
    return name.startswith(".")


def is_system_folder(name: str) -> bool:
    """Hidden folders are among them."""
    folded = name.casefold()
    return is_hidden(name) or folded in _SYSTEM_FOLDERS or folded.endswith(PREVIEWS)


def is_in_system_folder(path: str) -> bool:
    """Whether a file, by its path with slashes, is hidden or lies in a folder that is passed over."""
    *folders, name = path.split("/")
    return is_hidden(name) or any(is_system_folder(folder) for folder in folders if folder not in {"", ".", ".."})


def matches(path: str, patterns: Collection[str]) -> bool:
    """Patterns are the shell's, a star crosses slashes, and case does not matter."""
    return any(fnmatchcase(path.lower(), pattern.lower()) for pattern in patterns)
