"""Imported by Python itself where this folder is on PYTHONPATH: the wall clock of that process is CLOCK_SHIFT seconds
off, as on a machine whose time nobody keeps. Time that is only measured (monotonic) goes on as it does."""

import datetime
import os
import time

_SHIFT = float(os.environ.get("CLOCK_SHIFT", "0"))
_time, _time_ns = time.time, time.time_ns
_real = datetime.datetime


def _shifted() -> float:
    return _time() + _SHIFT


class _Kind(type):
    """Moments made elsewhere, as by the database's driver, are of this type, too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _real)


class _Datetime(_real, metaclass=_Kind):
    """Makes moments of the usual type, so that nobody else notices."""

    def __new__(cls, *args, **kwargs):
        return _real(*args, **kwargs)

    @classmethod
    def now(cls, tz=None):
        return _real.fromtimestamp(_shifted(), tz)

    @classmethod
    def utcnow(cls):
        return _real.fromtimestamp(_shifted(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls):
        return _real.fromtimestamp(_shifted())


if _SHIFT:
    time.time = _shifted
    time.time_ns = lambda: _time_ns() + int(_SHIFT * 1e9)
    datetime.datetime = _Datetime
