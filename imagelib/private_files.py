"""Folders and files that other accounts of the machine cannot read."""

import os
from pathlib import Path
from typing import BinaryIO


def make_folder(path: Path) -> Path:
    """Makes the folder, and those above it that are missing. One that is there keeps its mode."""
    if not path.exists():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def private_folder(path: Path) -> Path:
    """Makes the folder likewise; closes it if it is ours and open to others."""
    make_folder(path)
    if _is_open_to_others(path):
        path.chmod(0o700)
    return path


def append_to(path: Path) -> BinaryIO:
    """Opens a file for appending; makes it and its folder where they are missing."""
    private_folder(path.parent)
    path.touch(mode=0o600)
    if _is_open_to_others(path):
        path.chmod(0o600)
    return path.open("ab")


def _is_open_to_others(path: Path) -> bool:
    found = path.stat()
    return found.st_uid == os.geteuid() and bool(found.st_mode & 0o077)
