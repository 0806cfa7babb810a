"""Environment of the tests, loaded before the settings (pytest's `-p`)."""

from __future__ import annotations

import functools
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

import botocore.session

from imagelib.embedded.server import own_folder

BYTECODE = Path(tempfile.gettempdir()) / f"imagelib-tests-bytecode-{os.geteuid()}"
VAR = Path(tempfile.gettempdir()) / f"imagelib-tests-{os.getpid()}"

# Read with assertions rewritten: compiling the tests again takes each process five seconds. The folder
# is in no checkout, and PYTHONDONTWRITEBYTECODE applies outside of the tests.
sys.pycache_prefix, sys.dont_write_bytecode = str(own_folder(BYTECODE)), False
# Compiling imagelib takes a fifth of the time that a program of it takes to start.
os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "ALLOWED_HOSTS",
    "SECRET_KEY",
    "HTTPS",
    "RECOGNIZER",
    "LOCAL_",
    "AWS_",
    "OIDC_",
    "PROXY_",
    "PYTHONUNBUFFERED",  # hides output that is seen too late without it
)
for name in [name for name in os.environ if name.startswith(OURS)]:
    del os.environ[name]
os.environ |= {"IMAGELIB_VAR": str(VAR), "IMAGELIB_EMBEDDED_FSYNC": "off", "AWS_EC2_METADATA_DISABLED": "true"}
os.environ["IMAGELIB_ENV_FILE"] = os.devnull
os.environ["S3_UPLOAD_PART_MIN_SIZE"] = "1"  # moto's, so that uploads in parts need no large files
# The checkout's, made by `make setup`: the tests fetch nothing.
os.environ["IMAGELIB_MODELS"] = str(Path(__file__).resolve().parent.parent / "var" / "models")
# AWS's models are read once, not by each of a hundred clients.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)
(VAR / "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where it finds none


def pytest_configure() -> None:
    from imagelib import embedded
    from imagelib.embedded.redis import bundled

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, functools.partial(_interrupt, os.getpid()))
    # The one that everyone gets, whatever server this machine has.
    os.environ["IMAGELIB_REDIS_SERVER"] = str(bundled())
    embedded.start(VAR)


def _interrupt(tests: int, number: int, _frame: object) -> None:
    """End the tests as Ctrl-C does.

    By default these signals leave PostgreSQL and Redis running.
    """
    if os.getpid() == tests:
        raise KeyboardInterrupt
    signal.signal(number, signal.SIG_DFL)  # a forked child, which has nothing to stop
    os.kill(os.getpid(), number)


def pytest_unconfigure() -> None:
    import shutil

    from imagelib import embedded

    embedded.remove(VAR)
    shutil.rmtree(VAR, ignore_errors=True)


def pytest_collection_finish() -> None:
    """Exempt imported objects from garbage collection, which speeds the tests up."""
    import gc

    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
