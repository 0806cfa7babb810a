"""Lets commands finish the item in progress on Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
from types import FrameType


class Interrupt:
    """A flag that the first signal sets; the second signal raises KeyboardInterrupt."""

    is_set = False

    def __enter__(self) -> Interrupt:
        self._previous = {number: signal.signal(number, self._set) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _set(self, number: int, _frame: FrameType | None) -> None:
        self.is_set = True
        signal.signal(number, signal.default_int_handler)
