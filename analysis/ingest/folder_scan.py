"""Finds the files in folders that could be pictures."""

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from analysis.ingest.exclusions import is_hidden, is_system_folder, matches
from analysis.ingest.file_types import HEAD_BYTES, Format, detect_format
from analysis.ingest.validation import NAME_LENGTH, InvalidImage, plain_text

# Files that people would expect to be pictures: accepted ones, and those examine refuses with a sentence.
EXTENSIONS = re.compile(
    r"\.(jpe?g|jpe|jfif|mpo|a?png|webp|gif|tiff?|bmp|dib|hei[cf]|hif|avif"
    r"|svgz?|psd|jp2|j2k|jxl|dng|cr[23]|nef|arw|orf|rw2|raf|pef|srw)",
    re.IGNORECASE,
)


OWN_STORAGE = "the library keeps its own pictures here; name another folder"

Identity = tuple[int, int]


def image_files(
    paths: Iterable[Path], *, exclude: Collection[str] = (), own_storage: Path | None = None
) -> Iterator[Path | InvalidImage]:
    """Yields the files given and, from folders, whatever could be a picture by its ending or its first bytes.

    A folder's files come before its subfolders, both sorted by name. Hidden files and system folders are passed over
    (see exclusions), and so is what matches a pattern of `exclude` by its path below the folder given; links are
    followed, every folder visited once. What is missing, folders that cannot be read and whatever is given from
    `own_storage` come as Rejected; where the walk meets that, it is passed over.
    """
    storage = _identity(own_storage) if own_storage else None
    visited: set[Identity] = {storage} if storage else set()
    for path in paths:
        if storage and _is_within(path, storage):
            yield _unreadable(path, OWN_STORAGE)
            continue
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
        except FileNotFoundError:
            yield _unreadable(path, "no such file or folder")
        except OSError as error:
            yield _unreadable(path, f"cannot be read ({error.strerror or error})")
        else:
            yield from _walk(path, visited, exclude) if is_folder else (path,)


def _walk(top: Path, visited: set[Identity], exclude: Collection[str]) -> Iterator[Path | InvalidImage]:
    waiting = [""]
    while waiting:
        below = waiting.pop()
        folder = top / below
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            files, folders = _entries(folder)
        except OSError as error:
            yield _unreadable(folder, f"the folder cannot be read ({error.strerror or error})")
            continue
        for name in files:
            if not matches(f"{below}{name}", exclude) and _could_be_picture(folder / name):
                yield folder / name
        inner = [f"{below}{name}/" for name in reversed(folders)]
        waiting += [path for path in inner if not matches(path, exclude)]


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the files and of the folders in a folder: names only, for there may be a million."""
    files, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError:  # a link in a circle, or to where nobody may look
                is_folder = is_file = False
            if is_folder:
                if not is_system_folder(entry.name):
                    folders.append(entry.name)
            elif is_file or entry.is_symlink():  # a link that leads nowhere is examined and refused with a sentence
                files.append(entry.name)
    return sorted(files), sorted(folders)


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_within(path: Path, storage: Identity) -> bool:
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError):  # a link in a circle
        return False
    return any(_identity(each) == storage for each in (resolved, *resolved.parents))


def _could_be_picture(path: Path) -> bool:
    if EXTENSIONS.fullmatch(path.suffix):
        return True
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    return bool(head) and isinstance(detect_format(head), Format)


def _unreadable(path: Path, reason: str) -> InvalidImage:
    return InvalidImage("unreadable", plain_text(str(path), NAME_LENGTH), reason)
