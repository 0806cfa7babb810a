"""Celery's scheduler, which goes on when the clock is set back."""

from __future__ import annotations

from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Celery's own waits in silence until the clock is back where each task last ran."""

    def tick(self, *arguments: Any, **options: Any) -> float:
        self._follow_clock()
        delay: float = super().tick(*arguments, **options)
        return delay

    def _follow_clock(self) -> None:
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            self._heap = None  # its times are those of the clock as it was
