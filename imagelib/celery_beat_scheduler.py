"""Celery beat scheduler that survives a clock that is set back."""

from __future__ import annotations

from typing import Any

from celery.beat import PersistentScheduler

from imagelib import liveness


class Scheduler(PersistentScheduler):
    # PersistentScheduler would wait until the clock reaches each task's last run again: days, if it was days ahead.

    def tick(self, *args: Any, **kwargs: Any) -> float:
        self._follow_clock()
        liveness.touch()
        delay: float = super().tick(*args, **kwargs)
        return delay

    def _follow_clock(self) -> None:
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            self._heap = None  # it has times of the old clock; tick rebuilds it
