"""An attempt's end, written down: the answer with all that follows from it, or the failure and what comes next."""

from __future__ import annotations

import random
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from analysis.models import Analysis, Image
from analysis.recognition.index import reindex
from analysis.recognition.recognizer import Answer, Busy, Failed, Unavailable

MOST_ATTEMPTS = 8
UNAVAILABLE_PAUSE = timedelta(minutes=1)


def record_answer(analysis: Analysis, answer: Answer) -> bool:
    """Keep an answer, make it current and index it, all or nothing. False when another worker's answer came first."""
    with transaction.atomic():
        # Always the picture first, so that nobody deadlocks; none means that it was removed meanwhile.
        if Image.objects.select_for_update().filter(pk=analysis.image_id).first() is None:
            return False
        done = (
            Analysis.objects.open()
            .filter(pk=analysis.pk)
            .update(
                state=Analysis.State.DONE,
                claimed_until=None,
                finished_at=Now(),
                recognizer=answer.recognizer,
                model_version=answer.model_version,
                request_id=answer.request_id,
                latency_ms=answer.latency_ms,
                answer=answer.content,
                error_code="",
                error_message="",
            )
        )
        if done and _promote(analysis):
            reindex(analysis.image_id)
    return bool(done)


def record_failure(analysis: Analysis, error: Failed) -> None:
    """End an attempt that brought no answer: for good, or until later with the cause visible meanwhile."""
    cause = {"code": error.code or type(error).__name__, "message": str(error)}
    if isinstance(error, Unavailable):
        analysis.put_back(**cause, after=UNAVAILABLE_PAUSE)
    elif isinstance(error, Busy):
        retry_later(analysis, **cause, at_least=error.retry_after or 1.0)
    else:
        analysis.give_up(**cause, is_permanent=True)


def retry_later(analysis: Analysis, *, code: str, message: str, at_least: float = 1.0) -> None:
    """Queue again with full jitter; after the eighth attempt the analysis fails, to be retried by a person."""
    if analysis.attempts >= MOST_ATTEMPTS:
        analysis.give_up(code=code, message=message, is_permanent=False)
        return
    longest = min(2.0**analysis.attempts, 120.0)
    seconds = at_least + random.uniform(0, longest)  # noqa: S311
    analysis.put_back(code=code, message=message, after=timedelta(seconds=seconds))


def _promote(analysis: Analysis) -> bool:
    siblings = Analysis.objects.filter(image_id=analysis.image_id, api=analysis.api).exclude(pk=analysis.pk)
    if analysis.is_sample or siblings.filter(is_current=True, is_pinned=True).exists():
        return False
    siblings.filter(is_current=True).update(is_current=False)
    Analysis.objects.filter(pk=analysis.pk).update(is_current=True)
    return True
