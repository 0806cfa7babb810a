"""The result of a health check."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """The result of one check: its subject, a sentence, and what to do next."""

    subject: str
    state: State
    sentence: str
    next_step: str = ""

    @property
    def is_fine(self) -> bool:
        return self.state is not State.FAILED


@dataclass(frozen=True)
class AwsFinding(Finding):
    """The result of one request to AWS.

    `action`: the missing IAM action. `calls`: number of billed requests to Rekognition. `dollars`: their cost.
    """

    action: str = ""
    milliseconds: int | None = None
    calls: int = 0
    dollars: Decimal = Decimal(0)


def ok(subject: str, sentence: str) -> Finding:
    return Finding(subject, State.OK, sentence)


def warning(subject: str, sentence: str, next_step: str) -> Finding:
    return Finding(subject, State.WARNING, sentence, next_step)


def failed(subject: str, sentence: str, next_step: str) -> Finding:
    return Finding(subject, State.FAILED, sentence, next_step)


def first_line(error: BaseException) -> str:
    """The first line of an error's message without its period, or else its class name."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
