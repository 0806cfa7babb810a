"""The generated SECRET_KEY of a local installation."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from imagelib.private_files import make_folder


def load_or_create(path: Path, *, is_public: bool) -> str:
    """Read the key, or generate it once. Raises ImproperlyConfigured if `is_public`."""
    if path.exists():
        return path.read_text()
    if is_public:
        raise ImproperlyConfigured(
            "Set SECRET_KEY. It is generated only for a local installation without ALLOWED_HOSTS."
        )
    make_folder(path.parent)
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(50))
    return path.read_text()
