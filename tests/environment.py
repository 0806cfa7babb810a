"""Loaded before the settings are read (pytest's `-p`): services, pictures, secrets apart from the developer's own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

VAR = Path(tempfile.gettempdir()) / f"imagelib-tests-{os.getpid()}"

OURS = ("DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "SECRET_KEY", "HTTPS", "RECOGNIZER", "AWS_")
for name in [name for name in os.environ if name.startswith(OURS)]:
    del os.environ[name]
os.environ |= {"IMAGELIB_VAR": str(VAR), "IMAGELIB_EMBEDDED_FSYNC": "off", "AWS_EC2_METADATA_DISABLED": "true"}
os.environ["IMAGELIB_ENV_FILE"] = os.devnull
(VAR / "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where it finds none


def pytest_configure() -> None:
    from imagelib import embedded

    embedded.start(VAR)


def pytest_unconfigure() -> None:
    import shutil

    from imagelib import embedded

    embedded.remove(VAR)
    shutil.rmtree(VAR, ignore_errors=True)
