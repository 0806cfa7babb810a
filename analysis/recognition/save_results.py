"""The ends of attempts, written down many at a time: answers with all that follows from them, failures, the ledger."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis.ingest.validation import InvalidImage
from analysis.models import Analysis, BatchEntry, Call, Image, SpendEntry
from analysis.models.ledger import FREE
from analysis.recognition.base import ApiUnavailable, RequestFailed, Response, Throttled
from analysis.recognition.claims import MAX_ATTEMPTS
from analysis.recognition.response_cache import record_versions
from analysis.recognition.search_index import reindex
from analysis.storage.blobs import BlobMissing, StorageError

MOST_AT_LEAST = 600.0
"""Seconds for which a service may ask us to stay away; for longer, it is asked whether it still means it."""
AFTER_LOST_PROBE = timedelta(minutes=5)


@dataclass(frozen=True)
class AttemptResult:
    """One attempt's end: an answer, or what went wrong. `region` is set for requests that are paid for."""

    analysis: Analysis
    answer: Response | None = None
    error: Exception | None = None
    is_reused: bool = False
    region: str | None = None
    sent_at: datetime = field(default_factory=now)
    latency_ms: int | None = None

    @property
    def outcome(self) -> str | None:
        """What the ledger says of the request; None when none was sent."""
        if self.region is None or self.is_reused:
            return None
        if self.answer:
            return Call.Outcome.ANSWERED
        return self.error.outcome if isinstance(self.error, RequestFailed) else None

    @property
    def price(self) -> Decimal:
        """What it cost. A request whose outcome is unknown counts as paid."""
        paid = self.outcome in {Call.Outcome.ANSWERED, Call.Outcome.UNKNOWN}
        return (self.analysis.price or FREE) if paid else FREE


def save_results(finished: list[AttemptResult]) -> None:
    """Keep answers, make them current, index them, write the ledger: all of it or nothing."""
    with transaction.atomic():
        # Always the pictures first and in order, so that nobody deadlocks; those that were removed have no rows left.
        image_ids = {each.analysis.image_id for each in finished}
        locked = Image.objects.select_for_update(no_key=True).filter(pk__in=image_ids).order_by("pk")
        originals = dict(locked.values_list("pk", "sha256"))
        current = [each for each in finished if not _is_outdated(each.analysis, originals)]
        answered = [each for each in current if each.answer]
        asked = Analysis.objects.filter(pk__in=[each.analysis.pk for each in finished])
        there = set(asked.values_list("pk", flat=True))
        kept = _keep_answers(answered)
        _make_current(kept)
        indexed = [each.analysis for each in answered if each.analysis.pk in kept]
        reindex({each.image_id for each in indexed}, apis={each.api for each in indexed})
        record_versions(
            (each.answer.recognizer, each.analysis.api, each.answer.model_version)
            for each in answered
            if each.answer and not each.is_reused
        )
        _write_ledger(finished, there)
        failed = {each.analysis.pk for each in current if each.error and _record_failure(each.analysis, each.error)}
        _write_progress(finished, done=kept, failed=failed)
        for each in finished:
            if _is_outdated(each.analysis, originals):
                _requeue_replaced(each.analysis)


def _is_outdated(analysis: Analysis, originals: dict[int, str]) -> bool:
    """Whether the picture's original was replaced while it was asked about: the end says nothing of the new one."""
    return originals.get(analysis.image_id, analysis.image.sha256) != analysis.image.sha256


def _requeue_replaced(analysis: Analysis) -> None:
    """What it cost is in the ledger; the new original has the same row, for one is open at most."""
    message = "The original was replaced while it was asked about; the new one is asked about."
    analysis.put_back(code="original-replaced", message=message, after=timedelta(0), is_attempt=False)


def _keep_answers(answered: list[AttemptResult]) -> set[int]:
    """The answers' rows in one UPDATE; those of analyses that are over already are passed over."""
    if not answered:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE analysis_analysis analysis
            SET state = 'done', claimed_until = NULL, finished_at = now(), error_code = '', error_message = '',
                answer = said.answer, recognizer = said.recognizer, model_version = said.model_version,
                request_id = said.request_id, latency_ms = said.latency_ms, price = said.price,
                is_reused = said.is_reused
            FROM jsonb_to_recordset(%s::jsonb) AS said (
                id bigint, answer jsonb, recognizer text, model_version text, request_id text, latency_ms int,
                price numeric, is_reused bool)
            WHERE analysis.id = said.id AND analysis.state IN ('queued', 'running', 'paused')
            RETURNING analysis.id
            """,
            [strip_unstorable(json.dumps([_said(each, each.answer) for each in answered if each.answer]))],
        )
        return {pk for (pk,) in cursor.fetchall()}


def _said(each: AttemptResult, answer: Response) -> dict[str, Any]:
    return {
        "id": each.analysis.pk,
        "answer": answer.content,
        "recognizer": answer.recognizer,
        "model_version": answer.model_version[:40],
        "request_id": answer.request_id[:80],
        "latency_ms": answer.latency_ms,
        "price": None if each.region is None else str(each.price),
        "is_reused": each.is_reused,
    }


def strip_unstorable(text: str) -> str:
    """JSON that PostgreSQL takes: without the characters it cannot hold (NUL, halves of surrogate pairs)."""
    if "\\u0000" not in text and "\\ud" not in text:
        return text  # nearly always, and looking closely would take as long as making the text
    return _UNSTORABLE.sub(lambda found: found[0] if found["pair"] else found["before"] + "\\ufffd", text)


# After an even number of backslashes: NUL, or a surrogate; whole pairs are kept.
_UNSTORABLE = re.compile(
    r"(?<!\\)(?P<before>(?:\\\\)*)(?:(?P<pair>\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|\\u0000|\\ud[89a-f][0-9a-f]{2})"
)


def _make_current(ids: Iterable[int]) -> None:
    """What was answered last counts, but for samples and where an older answer is pinned."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE analysis_analysis old SET is_current = false
            FROM analysis_analysis new
            WHERE new.id = ANY(%s) AND NOT new.is_sample AND old.image_id = new.image_id AND old.api = new.api
              AND old.is_current AND NOT old.is_pinned
            """,
            [list(ids)],
        )
        cursor.execute(
            """
            UPDATE analysis_analysis new SET is_current = true
            WHERE new.id = ANY(%s) AND NOT new.is_sample AND NOT EXISTS (
                SELECT FROM analysis_analysis old
                WHERE old.image_id = new.image_id AND old.api = new.api AND old.is_current)
            """,
            [list(ids)],
        )


def _write_ledger(finished: list[AttemptResult], there: set[int]) -> None:
    """A Call for each request that was sent, its analysis `there` or not; an entry for each kind of spending."""
    sent = [each for each in finished if each.outcome]
    Call.objects.bulk_create(_call(each, is_there=each.analysis.pk in there) for each in sent)
    entries: dict[tuple[object, ...], SpendEntry] = {}
    for each in finished:
        if not each.outcome and not each.is_reused:
            continue
        analysis = each.analysis
        key = (each.sent_at.date(), analysis.recognizer, each.region or "", analysis.api, analysis.is_bulk)
        entry = entries.setdefault(
            key, SpendEntry(**dict(zip(("day", "recognizer", "region", "api", "is_bulk"), key, strict=True)))
        )
        entry.calls += bool(each.outcome)
        entry.answered += each.outcome == Call.Outcome.ANSWERED
        entry.dollars += each.price
        entry.reused += each.is_reused
        entry.saved += (analysis.price or FREE) if each.is_reused else FREE
    SpendEntry.objects.bulk_create(entries.values())


def _call(each: AttemptResult, *, is_there: bool) -> Call:
    error = each.error if isinstance(each.error, RequestFailed) else None
    return Call(
        analysis_id=each.analysis.pk if is_there else None,
        recognizer=each.analysis.recognizer,
        region=each.region or "",
        api=each.analysis.api,
        sent_at=each.sent_at,
        outcome=each.outcome or "",
        error_code=error.code[:80] if error else "",
        price=each.price,
        request_id=(each.answer.request_id if each.answer else getattr(error, "request_id", ""))[:80],
        latency_ms=each.latency_ms,
    )


def _write_progress(finished: list[AttemptResult], *, done: set[int], failed: set[int]) -> None:
    """An entry for each batch some of whose analyses ended, or cost something."""
    entries: dict[int, BatchEntry] = {}
    for each in finished:
        batch_id, pk = each.analysis.batch_id, each.analysis.pk
        if batch_id is None or not (pk in done or pk in failed or each.price):
            continue
        entry = entries.setdefault(batch_id, BatchEntry(batch_id=batch_id))
        entry.done += pk in done
        entry.failed += pk in failed
        entry.reused += each.is_reused and pk in done
        entry.dollars += each.price
    BatchEntry.objects.bulk_create(entries.values())


def _record_failure(analysis: Analysis, error: Exception) -> bool:
    """End an attempt that brought no answer: for good (then True), or until later with the cause visible meanwhile."""
    name = analysis.image.filename
    match error:
        case ApiUnavailable(outcome="unknown"):
            # A probe without an answer: another picture is the next one, in case this one breaks the connection.
            analysis.put_back(code=error.code, message=str(error), after=AFTER_LOST_PROBE, is_attempt=False)
        case ApiUnavailable():
            analysis.put_back(code=error.code, message=str(error), after=timedelta(0), is_attempt=False)
        case Throttled(outcome="throttled"):
            # The pace was wrong, not the picture: no attempt at it, however often.
            after = timedelta(seconds=min(error.retry_after or 0.5, MOST_AT_LEAST) + random.uniform(0, 2))  # noqa: S311
            analysis.put_back(code=error.code, message=str(error), after=after, is_attempt=False)
        case Throttled():
            last = error.sentence(_("It was tried %d times.") % MAX_ATTEMPTS)
            pause = error.retry_after or 1.0
            return _retry_later(analysis, code=error.code, message=str(error), last=last, at_least=pause)
        case RequestFailed() | InvalidImage():
            return analysis.mark_failed(code=error.code, message=str(error), is_permanent=True)
        case BlobMissing():
            return analysis.mark_failed(code="original-missing", message=f"{name}: {error}", is_permanent=True)
        case StorageError():
            message = f"{name}: {error}"
            return _retry_later(analysis, code="storage", message=message, last=message, at_least=1.0)
        case _:
            sentence = _("Something went wrong in imagelib. The worker's log has the details.")
            return analysis.mark_failed(code="defect", message=sentence, is_permanent=False)
    return False


def _retry_later(analysis: Analysis, *, code: str, message: str, last: str, at_least: float) -> bool:
    """Queue again with full jitter; the eighth attempt was the `last`, and a person may try again."""
    if analysis.attempts >= MAX_ATTEMPTS:
        return analysis.mark_failed(code=code, message=last, is_permanent=False)
    longest = min(2.0**analysis.attempts, 120.0)
    seconds = min(at_least, MOST_AT_LEAST) + random.uniform(0, longest)  # noqa: S311
    analysis.put_back(code=code, message=message, after=timedelta(seconds=seconds))
    return False
