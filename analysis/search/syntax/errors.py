"""Errors of the search language."""

from __future__ import annotations


class InvalidQuery(ValueError):
    """A text that is not a search: a sentence for the reader, and the column it is about, counted from 1."""

    def __init__(self, message: str, *, column: int) -> None:
        super().__init__(message)
        self.column = column


class InvalidValue(ValueError):
    """A value that its field does not accept; the message is a sentence for the reader."""
