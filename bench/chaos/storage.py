"""Storage whose disk is full while a flag file exists."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage

FLAG = "DISK_IS_FULL"  # environment variable with the path of the flag file


class FullDiskStorage(FileSystemStorage):
    """Writes the first bytes of a file and then fails, as on a full disk."""

    def _save(self, name: str, content: Any) -> str:
        if Path(os.environ[FLAG]).exists():
            path = Path(self.path(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read(100))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return str(super()._save(name, content))
