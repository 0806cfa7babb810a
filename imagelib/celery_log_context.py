"""Celery signal handlers that give log lines of a request and its tasks one id."""

from __future__ import annotations

from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

HEADER = "imagelib_log"
# Passed to tasks, and by these to the tasks that they enqueue.
PASSED_ON = ("request_id", "user_id")


@before_task_publish.connect
def send_context(headers: dict[str, Any] | None = None, **_kwargs: object) -> None:
    context = get_contextvars()
    passed = {name: context[name] for name in PASSED_ON if name in context}
    if passed and headers is not None:
        headers.setdefault(HEADER, passed)


@task_prerun.connect
def bind_task(task_id: str, task: Any, **_kwargs: object) -> None:
    clear_contextvars()
    sent = getattr(task.request, HEADER, None)
    passed = {name: sent[name] for name in PASSED_ON if name in sent} if isinstance(sent, dict) else {}
    bind_contextvars(**passed, task=task.name.rpartition(".")[2], task_id=task_id)


@task_postrun.connect
def unbind_task(**_kwargs: object) -> None:
    clear_contextvars()
