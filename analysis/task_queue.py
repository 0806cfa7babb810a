"""A queue of tasks within this process, which replaces Celery's broker while open."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TaskMessage:
    """A task by its name, and its keyword arguments."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


@dataclass
class TaskQueue:
    """Waiting messages in their order, each only once.

    They are lost with the process, like those in Redis, since they can be derived from the rows that are due.
    """

    # A dict, used as a set that keeps its order.
    _messages: dict[TaskMessage, None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, message: TaskMessage) -> None:
        with self._lock:
            self._messages.setdefault(message)

    def take(self) -> TaskMessage | None:
        with self._lock:
            message = next(iter(self._messages), None)
            if message is not None:
                del self._messages[message]
            return message

    def waiting(self) -> frozenset[TaskMessage]:
        with self._lock:
            return frozenset(self._messages)

    def clear(self) -> None:
        with self._lock:
            self._messages.clear()


_open: TaskQueue | None = None


@contextmanager
def opened() -> Iterator[TaskQueue]:
    """Queue all tasks that this process sends, so that it can run them itself."""
    global _open
    _open = queue = TaskQueue()
    try:
        yield queue
    finally:
        _open = None


def put(name: str, arguments: Mapping[str, Any]) -> bool:
    """Add a task to the open queue; False if there is none."""
    if _open is None:
        return False
    # Sorted, so that a message equals a waiting one whatever the order of its arguments.
    _open.put(TaskMessage(name, tuple(sorted(arguments.items()))))
    return True
