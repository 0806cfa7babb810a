"""Settings that also have the name that another program uses."""

from __future__ import annotations

from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

Value = TypeVar("Value", str, int)


def one_of(default: Value, /, **values: Value | None) -> Value:
    """The value given by any of these names, or the default.

    Raises ImproperlyConfigured if two differ, instead of silently ignoring one of them.
    """
    present = {name: value for name, value in values.items() if value is not None}
    if len(set(present.values())) > 1:
        texts = ", but ".join(f"{name} is {value!r}" for name, value in present.items())
        raise ImproperlyConfigured(f"{texts}. They are two names of one setting: remove one of them.")
    return next(iter(present.values()), default)
