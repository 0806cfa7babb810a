"""Errors of the search language."""

from __future__ import annotations

MAX_EXCERPT = 40


class InvalidQuery(ValueError):
    """A text that is not a search; the column of the error counts from 1."""

    def __init__(self, message: str, *, column: int) -> None:
        super().__init__(message)
        self.column = column


class InvalidValue(ValueError):
    """A value that its field does not accept."""


def excerpt(text: str) -> str:
    return text if len(text) <= MAX_EXCERPT else f"{text[: MAX_EXCERPT - 1]}…"
