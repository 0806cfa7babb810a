"""Shifts the wall clock of a process by CLOCK_SHIFT seconds.

Python imports this module at the start if its folder is on PYTHONPATH. The monotonic clock is not changed.
"""

import datetime
import os
import time

_SHIFT = float(os.environ.get("CLOCK_SHIFT", "0"))
_time, _time_ns = time.time, time.time_ns
_original = datetime.datetime


def _shifted() -> float:
    return _time() + _SHIFT


class _DatetimeMeta(type):
    """Makes isinstance accept datetimes that the database driver created in C."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _original)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _original)


class _Datetime(_original, metaclass=_DatetimeMeta):
    """Returns plain datetimes, so that only the current time differs."""

    def __new__(cls, *args, **kwargs):
        return _original(*args, **kwargs)

    @classmethod
    def now(cls, tz=None):
        return _original.fromtimestamp(_shifted(), tz)

    @classmethod
    def utcnow(cls):
        return _original.fromtimestamp(_shifted(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls):
        return _original.fromtimestamp(_shifted())


if _SHIFT:
    time.time = _shifted
    time.time_ns = lambda: _time_ns() + int(_SHIFT * 1e9)
    datetime.datetime = _Datetime
