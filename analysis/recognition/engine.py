"""The work loop of one API: rate limit, claim, parallel calls, saving."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace
from typing import cast

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.timezone import now
from structlog.contextvars import bound_contextvars

from analysis.ingest.validation import InvalidImage
from analysis.messages import gettext_noop
from analysis.models import Analysis
from analysis.recognition import claims, outages, outcomes
from analysis.recognition.base import (
    BEFORE_SEND,
    ApiName,
    ApiUnavailable,
    Parameters,
    Recognizer,
    RequestFailed,
)
from analysis.recognition.concurrency import ConcurrencyLimit
from analysis.recognition.payload_cache import PayloadCache
from analysis.recognition.rate_limiter import Lookahead, RateLimiter, RateLimiterUnavailable
from analysis.recognition.response_cache import CachedResponse, find_cached_responses
from analysis.recognition.save_results import AttemptResult
from analysis.recognition.save_with_retry import save_with_retry
from analysis.storage.blobs import StorageError

logger = logging.getLogger(__name__)

# Seconds between two rounds of the loop.
POLL_INTERVAL = 0.05
# Seconds a result waits at most to be saved together with others: ten results cost one transaction, as one does.
BATCH_WINDOW = 0.1
# Up to this many calls in progress, each result is saved at once: a person may be waiting for it.
LOW_LOAD = 4
# After these seconds the engine ends and its task is sent again, long before the broker's visibility timeout would
# repeat it.
MAX_RUN_SECONDS = 300.0

payloads = PayloadCache()


class Engine:
    """Analyzes the queued images of one API until none are left.

    `limiter`: of a billed API.
    """

    def __init__(self, recognizer: Recognizer, *, api: str, threads: int, limiter: RateLimiter | None = None) -> None:
        self.recognizer, self.api, self.threads, self.limiter = recognizer, api, threads, limiter
        self._in_flight: dict[Future[AttemptResult], Analysis] = {}
        self._concurrency = ConcurrencyLimit(threads, per_second=limiter.quota if limiter else None)
        self._probe_id: int | None = None  # the analysis whose result shows whether an outage is over
        self._outage: ApiUnavailable | None = None  # while set, claimed analyses are requeued unsent
        self._is_quota_strict, self._renewed_at = False, time.monotonic()
        self._lookahead = Lookahead(self._renewed_at)

    def run(self, *, is_over: Callable[[], bool]) -> bool:
        """Work until the queue is empty or `is_over`; True if work may be left."""
        end = time.monotonic() + MAX_RUN_SECONDS
        with ThreadPoolExecutor(self.threads, thread_name_prefix=f"recognize-{self.api}") as pool:
            try:
                while True:
                    is_ending = is_over() or time.monotonic() > end
                    pause = POLL_INTERVAL if is_ending else self._start_if_possible(pool)
                    if not self._in_flight and (is_ending or pause is None):
                        return is_ending
                    self._collect_finished(timeout=POLL_INTERVAL if pause is None else pause)
            finally:
                while self._in_flight:  # whatever was raised above, these calls are paid for
                    self._collect_finished(timeout=POLL_INTERVAL)

    def _start_if_possible(self, pool: ThreadPoolExecutor) -> float | None:
        """Start calls; while the database is down, only those in progress continue."""
        try:
            return self._start(pool)
        except (InterfaceError, OperationalError) as error:
            logger.warning("%s: the database is not available: %s", self.api, error)
            connection.close()
            return None

    def _start(self, pool: ThreadPoolExecutor) -> float | None:
        """Start calls; returns seconds until the next try, None with nothing to start."""
        free = self._concurrency.free(sum(not future.done() for future in self._in_flight))
        if free <= 0 or any(future.done() and outcomes.lost_request(future.result()) for future in self._in_flight):
            return POLL_INTERVAL  # a lost request is saved first: it may be the one that opens an outage
        times, pause, is_probe = self._request_slots(free)
        if not times:
            return pause
        # Together, so that a connection lost in between leaves nothing claimed: such claims would expire, and their
        # prices would count as paid.
        with transaction.atomic():
            claimed = claims.claim(self.recognizer.name, self.api, maximum=len(times), region=self.recognizer.region)
            cached = find_cached_responses(claimed)
        if not claimed:
            return None
        # Other cached responses take as long as a request: their owner must not learn that someone else has the file.
        ready = {pk for pk, response in cached.items() if response.is_disclosed or is_probe}
        waiting = [analysis for analysis in claimed if analysis.pk not in ready]
        # Fewer analyses may have been claimed than times granted.
        for analysis, at in zip(waiting, times, strict=False):
            self._submit(pool, analysis, cached.get(analysis.pk), at=at, is_probe=is_probe)
        if ready:
            save_with_retry(
                [self._reused(analysis, cached[analysis.pk]) for analysis in claimed if analysis.pk in ready]
            )
        return min(pause or POLL_INTERVAL, POLL_INTERVAL)

    def _submit(
        self, pool: ThreadPoolExecutor, analysis: Analysis, cached: CachedResponse | None, *, at: float, is_probe: bool
    ) -> None:
        """Start a call in a thread, or the wait after which a cached response is used."""
        if cached:
            self._in_flight[pool.submit(self._reused, analysis, cached, at=at)] = analysis
            return
        size = outcomes.request_size(analysis.image) if self.recognizer.sends_originals else 0
        self._concurrency.record_size(size)
        self._probe_id = analysis.pk if is_probe else None
        self._in_flight[pool.submit(copy_context().run, self._analyze, analysis, at=at)] = analysis

    def _request_slots(self, count: int) -> tuple[list[float], float | None, bool]:
        """Send times (monotonic clock), seconds until the next try, True for a probe."""
        if self.limiter:
            try:
                ahead = self._lookahead.seconds(time.monotonic(), is_busy=bool(self._in_flight))
                grant = self.limiter.acquire(count, ahead=ahead)
            except RateLimiterUnavailable as error:
                logger.warning("%s", error)
                return [], None, False
            times, pause = grant.times(time.monotonic()), min(grant.wait, 1.0)
            self._is_quota_strict = grant.is_strict
        else:
            times, pause = [time.monotonic()] * count, POLL_INTERVAL
        if not times:
            return [], pause, False
        outage = outages.get(self.recognizer.name, self.api)
        if outage is None:
            self._outage = None
            return times, pause, False
        if self._probe_id is not None:  # still in progress: one probe at a time
            return [], pause, False
        return (times[:1], pause, True) if outages.try_claim_probe(outage) else ([], None, False)

    def _analyze(self, analysis: Analysis, *, at: float) -> AttemptResult:
        """Prepare the payload, wait until `at` (monotonic clock), send. Runs in a thread."""
        started = time.monotonic()
        with bound_contextvars(analysis_id=analysis.pk, image_id=analysis.image_id):
            result = self._attempt(analysis, at=at)
        self._concurrency.record_duration(time.monotonic() - started)
        return result

    def _attempt(self, analysis: Analysis, *, at: float) -> AttemptResult:
        region, sent_at = self.recognizer.region, now()
        try:
            parameters = Parameters.from_json(analysis.parameters)
            as_is = self.recognizer.sends_originals and analysis.error_code not in outcomes.RETRY_CONVERTED
            picture = payloads.get(analysis.image, as_is=as_is)
            self._wait_for_turn(at)
            if self._outage and analysis.pk != self._probe_id:
                return AttemptResult(analysis, error=self._outage)
            sent_at, started = now(), time.perf_counter()
            response = self.recognizer.recognize(picture, api=cast(ApiName, self.api), parameters=parameters)
        except RequestFailed as error:
            latency_ms = round((time.perf_counter() - started) * 1000)
            error, version_id = outcomes.retry_in_other_form(error, image=analysis.image, picture=picture, as_is=as_is)
            return AttemptResult(
                analysis, error=error, region=region, sent_at=sent_at, latency_ms=latency_ms, version_id=version_id
            )
        except (InvalidImage, StorageError) as error:
            return AttemptResult(analysis, error=error)
        except Exception as error:  # the task boundary: whatever happened, the claim must end with a message
            logger.exception("analysis %s of image %s", analysis.pk, analysis.image_id)
            return AttemptResult(analysis, error=error)
        return AttemptResult(
            analysis, response=response, region=region, sent_at=sent_at, latency_ms=response.latency_ms
        )

    def _wait_for_turn(self, at: float) -> None:
        time.sleep(max(0.0, at - time.monotonic()))
        # `_wait_for_room` follows after signing and serializing, which take long on a busy machine.
        BEFORE_SEND.set(self._wait_for_room if self._is_quota_strict else None)

    def _wait_for_room(self) -> None:
        """Wait until the quota has room for a call, by the times calls were really sent."""
        try:
            if self.limiter:
                self.limiter.wait_for_room()
        except RateLimiterUnavailable as error:  # its time was granted before
            logger.warning("%s", error)

    def _reused(self, analysis: Analysis, cached: CachedResponse, *, at: float | None = None) -> AttemptResult:
        """The result of a cached response, ready at `at` like that of a request."""
        if at is not None:
            time.sleep(max(0.0, at - time.monotonic()) + cached.latency_ms / 1000)
        response, region = cached.copy_for(analysis), self.recognizer.region
        return AttemptResult(
            analysis, response=response, region=region, is_reused=True, is_disclosed=cached.is_disclosed
        )

    def _collect_finished(self, *, timeout: float) -> None:
        """Save finished calls' results; under load, those of a BATCH_WINDOW together."""
        self._renew_leases()
        if not self._in_flight:
            time.sleep(timeout)
            return
        wait(self._in_flight, timeout=timeout, return_when=FIRST_COMPLETED)
        if len(self._in_flight) > LOW_LOAD:
            time.sleep(BATCH_WINDOW)
        done = [future for future in self._in_flight if future.done()]
        for future in done:
            del self._in_flight[future]
        if done:
            results = [self._checked_probe(future.result()) for future in done]
            save_with_retry(results)
            self._update_limits(results)

    def _renew_leases(self) -> None:
        """Keep the claims of slow calls, such as for large pictures or from slow storage."""
        if time.monotonic() - self._renewed_at < claims.RENEWAL_INTERVAL:
            return
        self._renewed_at = time.monotonic()
        try:
            claims.renew_leases(self._in_flight.values())
        except (InterfaceError, OperationalError) as error:
            logger.warning("%s: leases could not be renewed: %s", self.api, error)
            connection.close()

    def _slow_down(self, limiter: RateLimiter, throttled: int) -> None:
        try:
            limiter.throttled(throttled)
        except RateLimiterUnavailable as error:
            logger.warning("%s", error)

    def _update_limits(self, results: list[AttemptResult]) -> None:
        """Open or end an outage, and lower the rate after a throttled request."""
        try:
            self._update_outage(results)
        except (InterfaceError, OperationalError) as error:
            logger.warning("%s: the database is not available: %s", self.api, error)
            connection.close()
        if self.limiter and (throttled := sum(result.outcome == "throttled" for result in results)):
            self._slow_down(self.limiter, throttled)

    def _checked_probe(self, result: AttemptResult) -> AttemptResult:
        """Turn the error of a probe without a response into an error of the API."""
        if result.analysis.pk != self._probe_id or not (lost := outcomes.lost_request(result)):
            return result
        return replace(result, error=outages.no_response(lost, gettext_noop("A test request got no response.")))

    def _update_outage(self, results: list[AttemptResult]) -> None:
        errors = [result.error for result in results if result.error is not self._outage]
        unavailable = next((error for error in errors if isinstance(error, ApiUnavailable)), None)
        lost = next(filter(None, map(outcomes.lost_request, results)), None)
        if lost and not unavailable:
            unavailable = outages.outage_after_lost_request(self.recognizer.name, lost)
        probe = next((result for result in results if result.analysis.pk == self._probe_id), None)
        if probe:
            self._probe_id = None
        if unavailable:
            outages.open_outage(self.recognizer.name, unavailable)
            self._outage = outcomes.unsent(unavailable)
        elif probe and outcomes.api_responded(probe):
            outages.clear(self.recognizer.name, self.api)
            self._outage = None
            logger.info("%s %s is available again", self.recognizer.name, self.api)
