"""Finds pictures to import in files and folders."""

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from analysis.ingest.exclusions import is_hidden, is_system_folder, matches
from analysis.ingest.file_types import HEAD_BYTES, Format, detect_format
from analysis.ingest.validation import NAME_LENGTH, InvalidImage, plain_text
from analysis.messages import gettext_noop

# Extensions of accepted formats, and of others that users expect to be pictures, which are rejected with a reason.
EXTENSIONS = re.compile(
    r"\.(jpe?g|jpe|jfif|mpo|a?png|webp|gif|tiff?|bmp|dib|hei[cf]|hif|avif"
    r"|svgz?|psd|jp2|j2k|jxl|dng|cr[23]|nef|arw|orf|rw2|raf|pef|srw)",
    re.IGNORECASE,
)
OWN_STORAGE = gettext_noop("the library stores its own pictures here; choose another folder")

Identity = tuple[int, int]


def image_files(
    paths: Iterable[Path], *, exclude: Collection[str] = (), own_storage: Path | None = None
) -> Iterator[Path | InvalidImage]:
    """Yield files, and from folders those that could be pictures.

    A folder's files come before its subfolders, both sorted by name. Skipped are hidden files and system folders (see
    `exclusions`), files and folders whose path below the top folder matches a pattern of `exclude`, and `own_storage`.
    Links are followed, and each folder is visited once. Yields InvalidImage for a path that is missing or inside
    `own_storage`, and for a folder that cannot be read.
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
            yield _unreadable(path, gettext_noop("no such file or folder"))
        except OSError as error:
            yield _unreadable(path, gettext_noop("cannot be read (%(error)s)"), error)
        else:
            yield from _walk(path, visited, exclude) if is_folder else (path,)


def _walk(top: Path, visited: set[Identity], exclude: Collection[str]) -> Iterator[Path | InvalidImage]:
    pending = [""]
    while pending:
        relative = pending.pop()
        folder = top / relative
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            files, folders = _entries(folder)
        except OSError as error:
            yield _unreadable(folder, gettext_noop("the folder cannot be read (%(error)s)"), error)
            continue
        for name in files:
            if not matches(f"{relative}{name}", exclude) and _could_be_picture(folder / name):
                yield folder / name
        # Reversed, since the last one is visited next.
        subfolders = [f"{relative}{name}/" for name in reversed(folders)]
        pending += [path for path in subfolders if not matches(path, exclude)]


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the files and of the folders in a folder."""
    # Only names are kept, since a folder may have a million entries.
    files, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError:  # a circular link, or a target without permission
                is_folder = is_file = False
            if is_folder:
                if not is_system_folder(entry.name):
                    folders.append(entry.name)
            elif is_file or entry.is_symlink():  # a broken link is examined, too, and rejected with a reason
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
    except (OSError, RuntimeError):  # a circular link
        return False
    # By device and inode: one folder has several paths, by links and mounts.
    return any(_identity(folder) == storage for folder in (resolved, *resolved.parents))


def _could_be_picture(path: Path) -> bool:
    if EXTENSIONS.fullmatch(path.suffix):
        return True
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    return bool(head) and isinstance(detect_format(head), Format)


def _unreadable(path: Path, template: str, error: OSError | None = None) -> InvalidImage:
    values = {"error": error.strerror or str(error)} if error else {}
    return InvalidImage("unreadable", plain_text(str(path), NAME_LENGTH), template, **values)
