"""A folder on a disk that is full for as long as a file says so."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage

FLAG = "DISK_IS_FULL"
"""Names the file, in the environment."""


class FullForAWhile(FileSystemStorage):
    """Takes the first bytes of a file and no more, as a full disk does."""

    def _save(self, name: str, content: Any) -> str:
        if Path(os.environ[FLAG]).exists():
            path = Path(self.path(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read(100))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return str(super()._save(name, content))
