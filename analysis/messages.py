"""Translatable error messages of code that must not import Django.

`analysis.ingest` and `analysis.aws` run without Django. They raise errors with a template and its values;
`formatting.translated(error)` gives the text in the reader's language. `str(error)` is English.
"""

from __future__ import annotations

from typing import Any


def gettext_noop(text: str) -> str:
    """Mark a template for makemessages, which searches for calls of this name."""
    return text


class MessageError(Exception):
    """An error with a %-template marked by `gettext_noop` and its values."""

    def __init__(self, template: str, **values: Any) -> None:
        super().__init__(template, values)
        self.template = template
        self.values = values

    def __str__(self) -> str:
        return self.template % self.values if self.values else self.template

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors are pickled between processes, and the default protocol calls __init__ without its keyword arguments.
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[MessageError], args: tuple[Any, ...], attributes: dict[str, Any]) -> MessageError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error
