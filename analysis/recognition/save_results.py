"""Saves responses, failures and ledger entries, many in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis.ingest.validation import InvalidImage
from analysis.library import image_events
from analysis.metrics.counters import count_analyses, count_calls
from analysis.models import Analysis, BatchEntry, Call, Image, SpendEntry
from analysis.models.ledger import FREE
from analysis.recognition import retries
from analysis.recognition.base import ApiUnavailable, RequestFailed, Response, Throttled
from analysis.recognition.jsonb_text import strip_unstorable
from analysis.recognition.reindex_images import reindex
from analysis.recognition.response_cache import record_versions
from analysis.storage.blobs import BlobMissing, StorageError
from analysis.storage.originals import renew_version

LOST_PROBE_DELAY = timedelta(minutes=5)


@dataclass(frozen=True)
class AttemptResult:
    """The end of one attempt: a response or an error.

    `region` is set if the request was billed, `version_id` if the original has another version in S3 than is stored.
    `is_disclosed` False: the image's owner must not learn that a response was reused, so they are shown a request and
    its price.
    """

    analysis: Analysis
    response: Response | None = None
    error: Exception | None = None
    is_reused: bool = False
    is_disclosed: bool = True
    region: str | None = None
    sent_at: datetime = field(default_factory=now)
    latency_ms: int | None = None
    version_id: str | None = None

    @property
    def outcome(self) -> str | None:
        """The ledger's outcome of the request; None if nothing was sent."""
        if self.region is None or self.is_reused:
            return None
        if self.response:
            return Call.Outcome.ANSWERED
        return self.error.outcome if isinstance(self.error, RequestFailed) else None

    @property
    def price(self) -> Decimal:
        """US dollars. A request whose outcome is unknown counts as paid."""
        paid = self.outcome in {Call.Outcome.ANSWERED, Call.Outcome.UNKNOWN}
        return (self.analysis.price or FREE) if paid else FREE

    @property
    def price_for_owner(self) -> Decimal:
        """US dollars shown to the image's owner; the ledger records `price`."""
        return self.price if self.is_disclosed else self.analysis.price or FREE


def save_results(results: list[AttemptResult]) -> None:
    """Store and index responses, and write the ledger: all or nothing."""
    with transaction.atomic():
        originals = _lock_images(results)
        current = [result for result in results if not _is_outdated(result.analysis, originals)]
        # An image may have been deleted with its analyses. Its request was paid for, so it is in the ledger, too.
        existing = Analysis.objects.filter(pk__in=[result.analysis.pk for result in results])
        existing_ids = set(existing.values_list("pk", flat=True))
        stored_ids = _save_responses([result for result in current if result.response])
        _write_ledger(results, existing_ids)
        failed_ids = {
            result.analysis.pk for result in current if result.error and _save_failure(result.analysis, result.error)
        }
        _write_progress(results, done=stored_ids, failed=failed_ids)
        # After the commit, since save_with_retry may repeat the transaction.
        transaction.on_commit(lambda: count_analyses(results, done=stored_ids, failed=failed_ids))
        for result in results:
            if result.version_id is not None:
                renew_version(result.analysis.image, result.version_id)
            if _is_outdated(result.analysis, originals):
                _requeue_replaced(result.analysis)


def _lock_images(results: list[AttemptResult]) -> dict[int, str]:
    """Lock the images first; returns the SHA-256 of their originals by id."""
    # In order, so that workers never deadlock. Deleted images have no rows.
    image_ids = {result.analysis.image_id for result in results}
    # no_key: others may still insert rows that refer to these images.
    locked = Image.objects.select_for_update(no_key=True).filter(pk__in=image_ids).order_by("pk")
    return dict(locked.values_list("pk", "sha256"))


def _save_responses(answered: list[AttemptResult]) -> set[int]:
    """Store responses and index their images; returns the ids of the stored analyses."""
    stored_ids = _store_responses(answered)
    _make_current(stored_ids)
    stored = [result.analysis for result in answered if result.analysis.pk in stored_ids]
    reindex({analysis.image_id for analysis in stored}, apis={analysis.api for analysis in stored})
    image_events.record_changed({analysis.image_id for analysis in stored})
    record_versions(
        (result.response.recognizer, result.analysis.api, result.response.model_version)
        for result in answered
        if result.response and not result.is_reused
    )
    return stored_ids


def _is_outdated(analysis: Analysis, originals: dict[int, str]) -> bool:
    """True if the original was replaced during the request."""
    return originals.get(analysis.image_id, analysis.image.sha256) != analysis.image.sha256


def _requeue_replaced(analysis: Analysis) -> None:
    # In the same row, since only one may be unfinished per image and API. The cost of the call is in the ledger.
    message = _("The original was replaced during the analysis. The new one will be analyzed.")
    analysis.requeue(code="original-replaced", message=message, after=timedelta(0), is_attempt=False)


def _store_responses(answered: list[AttemptResult]) -> set[int]:
    """Write responses in one UPDATE; return the ids of the updated analyses.

    They lack analyses that were finished or deleted before.
    """
    if not answered:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE analysis_analysis analysis
            SET state = 'done', claimed_until = NULL, finished_at = now(), error_code = '', error_message = '',
                answer = result.answer, recognizer = result.recognizer, model_version = result.model_version,
                request_id = result.request_id, latency_ms = result.latency_ms, price = result.price,
                is_reused = result.is_reused
            FROM jsonb_to_recordset(%s::jsonb) AS result (
                id bigint, answer jsonb, recognizer text, model_version text, request_id text, latency_ms int,
                price numeric, is_reused bool)
            WHERE analysis.id = result.id AND analysis.state IN ('queued', 'running', 'paused')
            RETURNING analysis.id
            """,
            [
                strip_unstorable(
                    json.dumps([_columns(result, result.response) for result in answered if result.response])
                )
            ],
        )
        return {pk for (pk,) in cursor.fetchall()}


def _columns(result: AttemptResult, response: Response) -> dict[str, Any]:
    return {
        "id": result.analysis.pk,
        "answer": response.content,
        "recognizer": response.recognizer,
        # Cut to the length of the columns, since PostgreSQL rejects a longer value, and a paid response would be lost.
        "model_version": response.model_version[:40],
        "request_id": response.request_id[:80],
        "latency_ms": response.latency_ms,
        "price": None if result.region is None else str(result.price_for_owner),
        "is_reused": result.is_reused and result.is_disclosed,
    }


def _make_current(ids: Iterable[int]) -> None:
    """Make new results current, except samples and next to a pinned result."""
    # In this order, since a unique index allows one current result per image and API.
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


def _write_ledger(results: list[AttemptResult], existing_ids: set[int]) -> None:
    """Write the requests that were sent, and the spending by day."""
    sent = [result for result in results if result.outcome]
    calls = Call.objects.bulk_create(_call(result, is_stored=result.analysis.pk in existing_ids) for result in sent)
    transaction.on_commit(lambda: count_calls(calls))
    entries: dict[tuple[object, ...], SpendEntry] = {}
    for result in results:
        if not result.outcome and not result.is_reused:
            continue
        analysis = result.analysis
        key = (result.sent_at.date(), analysis.recognizer, result.region or "", analysis.api, analysis.is_bulk)
        entry = entries.setdefault(
            key, SpendEntry(**dict(zip(("day", "recognizer", "region", "api", "is_bulk"), key, strict=True)))
        )
        entry.calls += bool(result.outcome)
        entry.answered += result.outcome == Call.Outcome.ANSWERED
        entry.dollars += result.price
        entry.reused += result.is_reused
        entry.saved += (analysis.price or FREE) if result.is_reused else FREE
    SpendEntry.objects.bulk_create(entries.values())


def _call(result: AttemptResult, *, is_stored: bool) -> Call:
    error = result.error if isinstance(result.error, RequestFailed) else None
    return Call(
        analysis_id=result.analysis.pk if is_stored else None,
        recognizer=result.analysis.recognizer,
        region=result.region or "",
        api=result.analysis.api,
        sent_at=result.sent_at,
        outcome=result.outcome or "",
        error_code=error.code[:80] if error else "",
        price=result.price,
        request_id=(result.response.request_id if result.response else getattr(error, "request_id", ""))[:80],
        latency_ms=result.latency_ms,
    )


def _write_progress(results: list[AttemptResult], *, done: set[int], failed: set[int]) -> None:
    """Write a progress entry for each batch of which analyses ended or cost money."""
    entries: dict[int, BatchEntry] = {}
    for result in results:
        batch_id, pk = result.analysis.batch_id, result.analysis.pk
        if batch_id is None or not (pk in done or pk in failed or result.price):
            continue
        # The person of a run over all owners may see all pictures.
        is_told = result.is_disclosed or bool(result.analysis.batch and result.analysis.batch.all_owners)
        entry = entries.setdefault(batch_id, BatchEntry(batch_id=batch_id))
        entry.done += pk in done
        entry.failed += pk in failed
        entry.reused += result.is_reused and is_told and pk in done
        entry.dollars += result.price if is_told else result.price_for_owner
    BatchEntry.objects.bulk_create(entries.values())


def _save_failure(analysis: Analysis, error: Exception) -> bool:
    """End an attempt without a response; True if the analysis failed for good."""
    name = analysis.image.filename
    match error:
        case ApiUnavailable():
            # After a probe without a response, send another image next, in case this one breaks the connection.
            delay = LOST_PROBE_DELAY if error.outcome == "unknown" else timedelta(0)
            analysis.requeue(code=error.code, message=error.sentence(translate=_), after=delay, is_attempt=False)
        case Throttled(outcome="throttled"):
            # The rate was too high, which is not the image's fault, so no attempt is counted.
            delay = retries.delay_after_throttling(error.retry_after)
            analysis.requeue(code=error.code, message=error.sentence(translate=_), after=delay, is_attempt=False)
        case Throttled():
            attempts = _("Gave up after %(number)s attempts.") % {"number": retries.MAX_ATTEMPTS}
            return _retry_later(
                analysis,
                code=error.code,
                message=error.sentence(translate=_),
                final_message=error.sentence(next_step=attempts, translate=_),
                min_delay=error.retry_after or 1.0,
            )
        case RequestFailed() | InvalidImage():
            message = error.sentence(translate=_) if isinstance(error, RequestFailed) else str(error)
            return analysis.mark_failed(code=error.code, message=message, is_permanent=True)
        case BlobMissing():
            return analysis.mark_failed(code="original-missing", message=f"{name}: {error}", is_permanent=True)
        case StorageError():
            message = f"{name}: {error}"
            return _retry_later(analysis, code="storage", message=message, final_message=message, min_delay=1.0)
        case _:
            message = _("This is a bug in imagelib; see the worker log.")
            return analysis.mark_failed(code="defect", message=message, is_permanent=False)
    return False


def _retry_later(analysis: Analysis, *, code: str, message: str, final_message: str, min_delay: float) -> bool:
    """Requeue; after the last attempt it fails, and users can retry it."""
    if analysis.attempts >= retries.MAX_ATTEMPTS:
        return analysis.mark_failed(code=code, message=final_message, is_permanent=False)
    after = retries.delay_after_failure(analysis.attempts, min_delay=min_delay)
    analysis.requeue(code=code, message=message, after=after)
    return False
