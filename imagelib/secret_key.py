"""The generated SECRET_KEY of a local installation."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from imagelib.private_files import make_folder


def load_or_create(path: Path, *, is_public: bool) -> str:
    """Read the key, or generate it once.

    Raises ImproperlyConfigured if `is_public`, or if the file cannot be read or written.
    """
    try:
        return _load_or_create(path, is_public=is_public)
    except OSError as error:
        # The first file that is read or written: without this sentence every command would end in a traceback.
        raise ImproperlyConfigured(
            f"IMAGELIB_VAR is {path.parent}, which cannot be used: {error.strerror}. Set it to a folder you own."
        ) from error


def _load_or_create(path: Path, *, is_public: bool) -> str:
    if path.exists():
        return path.read_text()
    if is_public:
        raise ImproperlyConfigured(
            "Set SECRET_KEY. It is generated only for a local installation without ALLOWED_HOSTS."
        )
    make_folder(path.parent)
    # Private before the key is in it: write_text would create a file that others can read.
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(50))
    return path.read_text()
