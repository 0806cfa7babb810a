"""Runs a check that may hang, for a limited time."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TypeVar

from django.utils.translation import gettext as _

# Seconds for a check outside the database, which has its own statement timeout.
LIMIT = 10.0
T = TypeVar("T")


def bounded(function: Callable[[], T], *, seconds: float = LIMIT) -> T:
    """Call the function in a thread.

    Raises TimeoutError if it takes longer; the thread continues. The function must not use the database, since Django
    would not close the thread's connection.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(function())
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    # A daemon, since a thread that hangs must not keep the process from ending.
    thread = Thread(target=run, daemon=True, name="doctor")
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(_("no response within %(seconds)s s") % {"seconds": f"{seconds:.0f}"})
    return results[0]
