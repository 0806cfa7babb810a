from __future__ import annotations


class BackupError(Exception):
    """A backup could not be made, read or restored."""
