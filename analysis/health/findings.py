"""What was looked at, and how it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from threading import Thread
from typing import TypeVar

LIMIT = 10.0
"""Seconds that what is outside of the database may take to answer."""
T = TypeVar("T")


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and what to do about it."""

    subject: str
    state: State
    sentence: str
    next_step: str = ""


def ok(subject: str, sentence: str) -> Finding:
    return Finding(subject, State.OK, sentence)


def warning(subject: str, sentence: str, next_step: str) -> Finding:
    return Finding(subject, State.WARNING, sentence, next_step)


def failed(subject: str, sentence: str, next_step: str) -> Finding:
    return Finding(subject, State.FAILED, sentence, next_step)


def bounded(ask: Callable[[], T], *, seconds: float = LIMIT) -> T:
    """What `ask` answers or raises; TimeoutError where it takes too long, and then nobody waits for it any more.

    In a thread of its own, so it must not use the database.
    """
    answers: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(ask())
        except Exception as error:  # noqa: BLE001 - handed on to whoever asked
            errors.append(error)

    thread = Thread(target=run, daemon=True, name="doctor")
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:.0f} s")
    return answers[0]
