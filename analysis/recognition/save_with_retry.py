"""Saves results again after errors of the database."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import cast

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from analysis.messages import gettext_noop
from analysis.recognition.base import ApiName, UnreadableResponse
from analysis.recognition.save_results import AttemptResult, save_results

logger = logging.getLogger(__name__)

# PostgreSQL's SQLSTATE class for a value that is too large or nested too deeply, unlike errors of the connection.
PROGRAM_LIMIT_EXCEEDED = "54"


def save_with_retry(results: list[AttemptResult]) -> None:
    """Save results; retries for about a minute, since they exist only in memory."""
    for seconds in (0.2, 0.5, 1, 2, 5, 5, 5, 10, 10, 20):
        try:
            return save_results(results)
        except (InterfaceError, OperationalError) as error:
            if _exceeds_limit(error):
                return _save_separately(results, error)
            # Django connects again at the next query, once the broken connection is closed.
            logger.warning("%d results wait for the database: %s", len(results), error)
            connection.close()
            time.sleep(seconds)
        except (DatabaseError, RecursionError) as error:  # caused by a response, so a retry would fail, too
            return _save_separately(results, error)
    return save_results(results)


def _exceeds_limit(error: Exception) -> bool:
    # psycopg maps SQLSTATE class 54 to OperationalError, like a lost connection.
    return str(getattr(error.__cause__, "sqlstate", None)).startswith(PROGRAM_LIMIT_EXCEEDED)


def _save_separately(results: list[AttemptResult], error: Exception) -> None:
    """Save each result separately, so only a response the database rejects is lost."""
    if len(results) > 1:
        for result in results:
            try:
                save_with_retry([result])
            except (DatabaseError, RecursionError):  # continue, since the others are paid for as well
                logger.exception("analysis %s: its result cannot be saved", result.analysis.pk)
        return
    logger.error("a response cannot be stored", exc_info=error)
    reason = gettext_noop("The database cannot store this response. See the worker log for details.")
    api = cast(ApiName, results[0].analysis.api)
    unstorable = UnreadableResponse(reason, api=api, code="UnstorableAnswer", outcome="unknown")
    save_results([replace(results[0], response=None, error=unstorable)])
