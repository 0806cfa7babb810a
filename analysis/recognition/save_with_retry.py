"""Saves results again after errors of the database."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from itertools import chain, repeat
from typing import cast

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from analysis import jobs
from analysis.messages import gettext_noop
from analysis.recognition.base import ApiName, UnreadableResponse
from analysis.recognition.save_results import AttemptResult, save_results

logger = logging.getLogger(__name__)

# PostgreSQL's SQLSTATE class for a value that is too large or nested too deeply, unlike errors of the connection.
PROGRAM_LIMIT_EXCEEDED = "54"
# The class for a read-only server, such as the former primary for a moment after a failover.
INVALID_TRANSACTION_STATE = "25"
# Seconds for which results are kept while the database is away: longer than a failover or a restart. With the longest
# run of an engine it stays below the broker's visibility timeout.
MAX_SECONDS = 480.0
# The same while this process is asked to end.
MAX_SECONDS_AT_SHUTDOWN = 60.0


def save_with_retry(results: list[AttemptResult]) -> None:
    """Save results; retries for up to MAX_SECONDS, since they exist only in memory."""
    started = time.monotonic()
    # Short pauses to the end: after two minutes the claims have expired, and another worker may send the requests again
    # as soon as the database is back.
    for seconds in chain((0.2, 0.5, 1.0), repeat(2.0)):
        try:
            save_results(results)
            return
        except (DatabaseError, InterfaceError, RecursionError) as error:
            if not _is_temporary(error):  # caused by a response, so a retry would fail, too
                _save_separately(results, error)
                return
            limit = MAX_SECONDS_AT_SHUTDOWN if jobs.is_shutting_down() else MAX_SECONDS
            if time.monotonic() - started > limit:
                raise
            # Django connects again at the next query, once the broken connection is closed.
            logger.warning("%d results are waiting for the database: %s", len(results), error)
            connection.close()
            time.sleep(seconds)


def _is_temporary(error: Exception) -> bool:
    """True if the database is to blame, and not a response."""
    state = str(getattr(error.__cause__, "sqlstate", None))
    if state.startswith(INVALID_TRANSACTION_STATE):  # psycopg maps it to InternalError
        return True
    # psycopg maps class 54 to OperationalError, like a lost connection.
    is_of_connection = isinstance(error, InterfaceError | OperationalError)
    return is_of_connection and not state.startswith(PROGRAM_LIMIT_EXCEEDED)


def _save_separately(results: list[AttemptResult], error: Exception) -> None:
    """Save each result separately, so only a response the database rejects is lost."""
    if len(results) > 1:
        for result in results:
            try:
                save_with_retry([result])
            except (DatabaseError, RecursionError):  # continue, since the others are paid for as well
                logger.exception("analysis %s: its result cannot be saved", result.analysis.pk)
        return
    logger.error("A response cannot be stored", exc_info=error)
    reason = gettext_noop("The database cannot store this response. See the worker log for details.")
    api = cast(ApiName, results[0].analysis.api)
    unstorable = UnreadableResponse(reason, api=api, code="UnstorableAnswer", outcome="unknown")
    save_results([replace(results[0], response=None, error=unstorable)])
