"""Liveness file, whose age a container's health check compares with a limit."""

from __future__ import annotations

import os
from pathlib import Path


def touch(**_kwargs: object) -> None:
    """Update the file, as a sign of progress; also a receiver of Celery's signals."""
    if path := os.environ.get("IMAGELIB_LIVENESS_FILE", ""):
        Path(path).touch()
