"""One API's work in this process: take turns, claim, ask many at once, record many at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import cast

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis.ingest.validation import InvalidImage
from analysis.models import Analysis
from analysis.models.analyses import LEASE
from analysis.recognition import claims, outages, outcomes
from analysis.recognition.base import (
    ApiName,
    ApiUnavailable,
    Parameters,
    Recognizer,
    RequestFailed,
    Response,
    UnreadableResponse,
)
from analysis.recognition.concurrency import Room
from analysis.recognition.payload_cache import PayloadCache
from analysis.recognition.rate_limiter import AHEAD, RateLimiter, RateLimiterUnavailable
from analysis.recognition.response_cache import find_cached_responses
from analysis.recognition.save_results import AttemptResult, save_results
from analysis.storage import renditions
from analysis.storage.blobs import StorageError

logger = logging.getLogger(__name__)

POLL_INTERVAL = 0.05
"""Seconds between two looks."""
BATCH_WINDOW = 0.1
"""Seconds an answer is held at most, for others to be recorded with it: ten cost a transaction as one does."""
LOW_LOAD = 4
"""Under way at most while each answer is recorded by itself, at once: somebody may be waiting for it."""
HOLD = LEASE.total_seconds() / 4
"""Seconds after which the leases of what is under way are renewed."""
MAX_RUN_SECONDS = 300.0
"""Seconds after which the engine ends and has itself announced again, long before the broker would."""

PROGRAM_LIMIT_EXCEEDED = "54"
"""PostgreSQL's class of errors for what is too large or too deep for it: no failure of the connection."""

payloads = PayloadCache()


class Engine:
    """Works until nothing of its API is left to do; the paid ones at the pace of `limiter`."""

    def __init__(self, recognizer: Recognizer, *, api: str, threads: int, limiter: RateLimiter | None = None) -> None:
        self.recognizer, self.api, self.threads, self.limiter = recognizer, api, threads, limiter
        self._flying: dict[Future[AttemptResult], Analysis] = {}
        self._room = Room(threads, per_second=limiter.quota if limiter else None)
        self._probe: int | None = None  # the analysis whose answer tells whether an outage is over
        self._outage: ApiUnavailable | None = None  # since when nothing more is sent, though its turn comes
        self._round, self._took_at = 0.0, time.monotonic()  # seconds from one look at the turns to the next
        self._held_at = time.monotonic()

    def run(self, *, is_over: Callable[[], bool]) -> bool:
        """Work; True when it ended with work left, to be announced again."""
        end = time.monotonic() + MAX_RUN_SECONDS
        with ThreadPoolExecutor(self.threads, thread_name_prefix=f"ask-{self.api}") as pool:
            try:
                while True:
                    is_ending = is_over() or time.monotonic() > end
                    pause = POLL_INTERVAL if is_ending else self._start_if_possible(pool)
                    if not self._flying and (is_ending or pause is None):
                        return is_ending
                    self._land(timeout=POLL_INTERVAL if pause is None else pause)
            finally:
                while self._flying:  # whatever was raised above: these are paid for
                    self._land(timeout=POLL_INTERVAL)

    def _start_if_possible(self, pool: ThreadPoolExecutor) -> float | None:
        """Without the database nothing more is sent, but what is under way is still waited for and recorded."""
        try:
            return self._start(pool)
        except (InterfaceError, OperationalError) as error:
            logger.warning("%s: the database does not answer: %s", self.api, error)
            connection.close()
            return None

    def _start(self, pool: ThreadPoolExecutor) -> float | None:
        """Send what may be sent now. Answers the seconds until more may, None when there is nothing more to send."""
        free = self._room.free(sum(not future.done() for future in self._flying))
        if free <= 0 or any(future.done() and outcomes.loss(future.result()) for future in self._flying):
            return POLL_INTERVAL  # what was lost is put down first: it may be the last before the API rests
        times, pause, is_probe = self._turns(free)
        if not times:
            return pause
        claimed = claims.claim(self.recognizer.name, self.api, maximum=len(times), region=self.recognizer.region)
        if not claimed:
            return None
        stored = find_cached_responses(claimed)
        if stored:
            save_results([self._reused(each, *stored[each.pk]) for each in claimed if each.pk in stored])
        sent = [analysis for analysis in claimed if analysis.pk not in stored]
        for analysis, at in zip(sent, times, strict=False):
            self._room.note_size(outcomes.size(analysis.image) if self.recognizer.sends_originals else 0)
            self._probe = analysis.pk if is_probe else None
            self._flying[pool.submit(self._ask, analysis, at=at)] = analysis
        return min(pause or POLL_INTERVAL, POLL_INTERVAL)

    def _turns(self, wanted: int) -> tuple[list[float], float | None, bool]:
        """When each may be sent, in how many seconds to ask again, and whether it is a probe of an outage."""
        if self.limiter:
            try:
                turns = self.limiter.take(wanted, ahead=self._ahead())
            except RateLimiterUnavailable as away:
                logger.warning("%s", away)
                return [], None, False
            times, pause = turns.times(time.monotonic()), min(turns.wait, 1.0)
        else:
            times, pause = [time.monotonic()] * wanted, POLL_INTERVAL
        if not times:
            return [], pause, False
        outage = outages.get(self.recognizer.name, self.api)
        if outage is None:
            self._outage = None
            return times, pause, False
        if self._probe is not None:  # under way, and longer than from one look to the next
            return [], pause, False
        return (times[:1], pause, True) if outages.try_claim_probe(outage) else ([], None, False)

    def _ahead(self) -> float:
        """Seconds for which turns are needed: until the next look, and half as long again."""
        now, before = time.monotonic(), self._took_at
        self._took_at, self._round = now, max(now - before if self._flying else 0.0, 0.9 * self._round)
        return max(AHEAD, 1.5 * self._round)

    def _ask(self, analysis: Analysis, *, at: float) -> AttemptResult:
        """Ask when the turn has come, `at` by the monotonic clock; the picture is made ready meanwhile."""
        taken = time.monotonic()
        finished = self._asked(analysis, at=at)
        self._room.note_held(time.monotonic() - taken)
        return finished

    def _asked(self, analysis: Analysis, *, at: float) -> AttemptResult:
        region, sent_at = self.recognizer.region, now()
        try:
            parameters = Parameters.from_json(analysis.parameters)
            as_is = self.recognizer.sends_originals and analysis.error_code not in outcomes.REFUSED_AS_IS
            picture = payloads.of(analysis.image, as_is=as_is)
            time.sleep(max(0.0, at - time.monotonic()))
            if self._outage and analysis.pk != self._probe:
                return AttemptResult(analysis, error=self._outage)
            sent_at, started = now(), time.perf_counter()
            answer = self.recognizer.recognize(picture, api=cast(ApiName, self.api), parameters=parameters)
        except RequestFailed as error:
            latency_ms = round((time.perf_counter() - started) * 1000)
            if error.code in outcomes.REFUSED_AS_IS and as_is and renditions.is_sent_as_is(analysis.image, picture):
                error = outcomes.to_be_converted(error)
            return AttemptResult(analysis, error=error, region=region, sent_at=sent_at, latency_ms=latency_ms)
        except (InvalidImage, StorageError) as error:
            return AttemptResult(analysis, error=error)
        except Exception as error:  # the one boundary: whatever happened, the claim must end with a sentence
            logger.exception("analysis %s of image %s", analysis.pk, analysis.image_id)
            return AttemptResult(analysis, error=error)
        return AttemptResult(analysis, answer=answer, region=region, sent_at=sent_at, latency_ms=answer.latency_ms)

    def _reused(self, analysis: Analysis, version: str, content: dict[str, object]) -> AttemptResult:
        answer = Response(
            api=cast(ApiName, self.api),
            recognizer=analysis.recognizer,
            model_version=version,
            content=content,
            request_id="",
            latency_ms=0,
        )
        return AttemptResult(analysis, answer=answer, region=self.recognizer.region, is_reused=True)

    def _land(self, *, timeout: float) -> None:
        """Record what was answered, in one go; when much is under way, a moment's worth of it."""
        self._hold()
        if not self._flying:
            time.sleep(timeout)
            return
        wait(self._flying, timeout=timeout, return_when=FIRST_COMPLETED)
        if len(self._flying) > LOW_LOAD:
            time.sleep(BATCH_WINDOW)
        landed = [future for future in self._flying if future.done()]
        for future in landed:
            del self._flying[future]
        if landed:
            finished = [self._told_by_probe(future.result()) for future in landed]
            save_with_retry(finished)
            self._learn(finished)

    def _hold(self) -> None:
        """Renew the leases of what takes long: a large picture, a slow storage."""
        if time.monotonic() - self._held_at < HOLD:
            return
        self._held_at = time.monotonic()
        try:
            claims.renew_leases(self._flying.values())
        except (InterfaceError, OperationalError) as error:
            logger.warning("%s: leases could not be renewed: %s", self.api, error)
            connection.close()

    def _slow_down(self, limiter: RateLimiter) -> None:
        try:
            limiter.throttled()
        except RateLimiterUnavailable as away:
            logger.warning("%s", away)

    def _learn(self, finished: list[AttemptResult]) -> None:
        """What these ends tell about the API: slow down, stop asking, or go on."""
        try:
            self._note_outages(finished)
        except (InterfaceError, OperationalError) as error:
            logger.warning("%s: the database does not answer: %s", self.api, error)
            connection.close()
        if self.limiter and any(each.outcome == "throttled" for each in finished):
            self._slow_down(self.limiter)

    def _told_by_probe(self, each: AttemptResult) -> AttemptResult:
        """A probe that is lost, too, tells of the outage and not of its picture."""
        if each.analysis.pk != self._probe or not (lost := outcomes.loss(each)):
            return each
        return replace(each, error=outages.unanswered(lost, f"A probe brought no answer ({lost.code})."))

    def _note_outages(self, finished: list[AttemptResult]) -> None:
        errors = [each.error for each in finished if each.error is not self._outage]
        unavailable = next((error for error in errors if isinstance(error, ApiUnavailable)), None)
        lost = next(filter(None, map(outcomes.loss, finished)), None)
        if lost and not unavailable:
            unavailable = outages.after_loss(self.recognizer.name, lost)
        probe = next((each for each in finished if each.analysis.pk == self._probe), None)
        if probe:
            self._probe = None
        if unavailable:
            outages.open_outage(self.recognizer.name, unavailable)
            self._outage = outcomes.unsent(unavailable)
        elif probe and outcomes.was_let_in(probe):
            outages.clear(self.recognizer.name, self.api)
            self._outage = None
            logger.info("%s %s answers again", self.recognizer.name, self.api)


def save_with_retry(finished: list[AttemptResult]) -> None:
    """Record what was paid for even if the database is away for a while: it is still in our hands."""
    for seconds in (0.2, 0.5, 1, 2, 5, 5, 5, 10, 10, 20):
        try:
            return save_results(finished)
        except (InterfaceError, OperationalError) as error:
            if _is_too_much(error):
                return _record_each(finished, error)
            logger.warning("%d answers wait for the database: %s", len(finished), error)
            connection.close()
            time.sleep(seconds)
        except (DatabaseError, RecursionError) as error:  # not the weather but one of the answers
            return _record_each(finished, error)
    return save_results(finished)


def _is_too_much(error: Exception) -> bool:
    return str(getattr(error.__cause__, "sqlstate", None)).startswith(PROGRAM_LIMIT_EXCEEDED)


def _record_each(finished: list[AttemptResult], error: Exception) -> None:
    """An answer that the database refuses fails by itself and does not take its neighbors along."""
    if len(finished) > 1:
        for each in finished:
            try:
                save_with_retry([each])
            except (DatabaseError, RecursionError):  # its neighbors are paid for as well
                logger.exception("analysis %s: what came of it cannot be recorded", each.analysis.pk)
        return
    logger.error("an answer cannot be stored", exc_info=error)
    reason = _("The answer holds something that the database cannot store. The worker's log has the details.")
    api = cast(ApiName, finished[0].analysis.api)
    unstorable = UnreadableResponse(reason, api=api, code="UnstorableAnswer", outcome="unknown")
    save_results([replace(finished[0], answer=None, error=unstorable)])
