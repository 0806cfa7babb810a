"""The secret key of a laptop."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from imagelib.private_files import make_folder


def load_or_create(path: Path, *, is_public: bool) -> str:
    """Made once, readable by its owner alone. Raises ImproperlyConfigured where the world can reach the pages."""
    if path.exists():
        return path.read_text()
    if is_public:
        raise ImproperlyConfigured("Set SECRET_KEY: ALLOWED_HOSTS names hosts, so this is not a laptop's trial run.")
    make_folder(path.parent)
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(50))
    return path.read_text()
