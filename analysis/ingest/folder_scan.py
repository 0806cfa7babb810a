"""Finds the files in folders that could be pictures."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis.ingest.file_types import HEAD_BYTES, Format, detect_format
from analysis.ingest.validation import NAME_LENGTH, InvalidImage, plain_text

# Files that people would expect to be pictures: accepted ones, and those examine refuses with a sentence.
EXTENSIONS = re.compile(
    r"\.(jpe?g|jpe|jfif|mpo|a?png|webp|gif|tiff?|bmp|dib|hei[cf]|hif|avif"
    r"|svgz?|psd|jp2|j2k|jxl|dng|cr[23]|nef|arw|orf|rw2|raf|pef|srw)",
    re.IGNORECASE,
)


def image_files(paths: Iterable[Path]) -> Iterator[Path | InvalidImage]:
    """Yields the files given and, from folders, whatever could be a picture by its ending or its first bytes.

    A folder's files come before its subfolders, both sorted by name. Hidden files and folders are passed over, links
    followed, every folder visited once. What is missing and folders that cannot be read come as Rejected.
    """
    visited: set[tuple[int, int]] = set()
    for path in paths:
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
        except FileNotFoundError:
            yield _unreadable(path, "no such file or folder")
        except OSError as error:
            yield _unreadable(path, f"cannot be read ({error.strerror or error})")
        else:
            yield from _walk(path, visited) if is_folder else (path,)


def _walk(top: Path, visited: set[tuple[int, int]]) -> Iterator[Path | InvalidImage]:
    waiting = [top]
    while waiting:
        folder = waiting.pop()
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
            if _could_be_picture(folder / name):
                yield folder / name
        waiting += [folder / name for name in reversed(folders)]


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the files and of the folders in a folder: names only, for there may be a million."""
    files, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError:  # a link in a circle, or to where nobody may look
                is_folder = is_file = False
            if is_folder:
                folders.append(entry.name)
            elif is_file or entry.is_symlink():  # a link that leads nowhere is examined and refused with a sentence
                files.append(entry.name)
    return sorted(files), sorted(folders)


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
