"""Folders and files that other accounts on the machine can't read."""

import os
from pathlib import Path
from typing import BinaryIO


def make_folder(path: Path) -> Path:
    """Create the folder and its parents; an existing one keeps its mode."""
    if not path.exists():
        # One by one, since mkdir(parents=True) gives the missing parents the default mode, whatever `mode` is.
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def private_folder(path: Path) -> Path:
    """Create the folder, or make an existing one private if this account owns it."""
    make_folder(path)
    if _is_open_to_others(path):
        path.chmod(0o700)
    return path


def append_to(path: Path) -> BinaryIO:
    """Open a private file for appending; creates it and its folder."""
    private_folder(path.parent)
    # Created before it is opened: open() would make it readable by others until its mode is changed.
    path.touch(mode=0o600)
    if _is_open_to_others(path):
        path.chmod(0o600)
    return path.open("ab")


def _is_open_to_others(path: Path) -> bool:
    status = path.stat()
    return status.st_uid == os.geteuid() and bool(status.st_mode & 0o077)
