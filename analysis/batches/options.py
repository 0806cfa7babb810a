"""What somebody asks a batch to be, checked before anything is counted, called or saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django.db import connection

from analysis.batches.selection import LATEST, latest_version
from analysis.models import Analysis, Batch
from analysis.recognition import registry
from analysis.recognition.base import ApiName
from analysis.search.syntax.parser import InvalidQuery, parse

MOST_DOLLARS = Decimal(100_000)
LONGEST_VERSION, LONGEST_CODE = 40, 80


class InvalidBatchOptions(ValueError):
    """A wish that cannot be fulfilled; says which part of it and what to write instead."""


def build_batch(
    *,
    query: str = "",
    scope: str = Batch.Scope.ALL,
    apis: Sequence[str] | None = None,
    min_confidence: float | None = None,
    max_labels: int | None = None,
    older_than: str = "",
    error_code: str = "",
    since: datetime | None = None,
    limit: int | None = None,
    budget: Decimal | None = None,
    rate: float | None = None,
    is_forced: bool = False,
    uses_id_list: bool = False,
    person_id: int | None = None,
    all_owners: bool = False,
    mail_to: str = "",
) -> Batch:
    """A batch that can be estimated and started. Raises BadBatch."""
    _check_query(query)
    check_amounts(limit=limit, budget=budget, rate=rate)
    _check_texts(older_than=older_than, error_code=error_code)
    asked = _known(apis)
    return Batch(
        query=query,
        scope=scope,
        older_than=_version(older_than, asked) if scope == Batch.Scope.OUTDATED else "",
        error_code=error_code,
        since=since,
        recognizer=registry.current().name,
        parameters=_parameters(asked, min_confidence=min_confidence, max_labels=max_labels),
        limit=limit,
        budget=budget,
        rate=rate,
        is_forced=is_forced,
        uses_id_list=uses_id_list,
        person_id=person_id,
        all_owners=all_owners,
        mail_to=mail_to,
        started_at=_moment(),
    )


def _moment() -> datetime:
    """By the database's clock, as answers have their time: what "the last 7 days" of a query end with."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _check_query(query: str) -> None:
    try:
        parse(query)
    except InvalidQuery as error:
        raise InvalidBatchOptions(f"This search cannot be understood. Column {error.column}: {error}") from error


def check_amounts(*, limit: int | None = None, budget: Decimal | None = None, rate: float | None = None) -> None:
    """Raises BadBatch for what is out of bounds."""
    if limit is not None and not 1 <= limit <= 2**31 - 1:
        raise InvalidBatchOptions(f"The limit is {limit:,}; it is the number of pictures at most, 1 or more.")
    if budget is not None and not (budget.is_finite() and 0 <= budget <= MOST_DOLLARS):
        raise InvalidBatchOptions(f"The budget is {budget}; it is US dollars, from 0 to {MOST_DOLLARS:,}.")
    if rate is not None and not 0.01 <= rate <= 100_000:
        raise InvalidBatchOptions(f"The rate is {rate:g}; it is calls a second of each API, from 0.01 to 100,000.")


def _check_texts(*, older_than: str, error_code: str) -> None:
    if len(older_than) > LONGEST_VERSION or "\0" in older_than:
        raise InvalidBatchOptions(f"{older_than[:60]!r} is no model version.")
    if len(error_code) > LONGEST_CODE or "\0" in error_code:
        raise InvalidBatchOptions(f"{error_code[:60]!r} is no error code.")


def _known(apis: Sequence[str] | None) -> list[str]:
    if apis is None:
        apis = registry.enabled_apis()
    able, named = registry.current().apis, registry.current().name
    unknown = [api for api in apis if api not in able]
    if unknown or not apis:
        known = ", ".join(api for api in Analysis.Api.values if api in able)
        raise InvalidBatchOptions(f"{named} has {known}; it has no {', '.join(unknown) or 'empty list'}.")
    return [api for api in Analysis.Api.values if api in apis]


def _version(older_than: str, apis: list[str]) -> str:
    """The version to be older than: what is named, or the newest that any of these APIs has answered with."""
    if older_than != LATEST:
        return older_than
    seen = {api: latest_version(registry.current().name, api) for api in apis}
    if not any(seen.values()):
        raise InvalidBatchOptions(f"{registry.current().name} has answered nothing yet, so no version is the latest.")
    return LATEST


def _parameters(apis: list[str], *, min_confidence: float | None, max_labels: int | None) -> dict[str, dict[str, Any]]:
    wanted = registry.all_parameters()
    try:
        if min_confidence is not None:
            wanted = replace(wanted, min_confidence=min_confidence, moderation_min_confidence=min_confidence)
        if max_labels is not None:
            wanted = replace(wanted, max_labels=max_labels)
    except ValueError as error:
        raise InvalidBatchOptions(str(error)) from error
    return {api: wanted.as_json(cast(ApiName, api)) for api in apis}
