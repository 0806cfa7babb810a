"""Options of a batch, validated before anything is estimated or saved."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict, Unpack, cast

from django.db import connection
from django.utils.translation import gettext as _

from analysis.batches.selection import LATEST, latest_version
from analysis.formatting import count, dollars, translated
from analysis.models import Analysis, Batch
from analysis.recognition import registry
from analysis.recognition.base import ApiName, InvalidParameter
from analysis.search.syntax.parser import InvalidQuery, parse

MAX_BUDGET = Decimal(100_000)
MAX_VERSION_LENGTH, MAX_CODE_LENGTH = 40, 80


class InvalidBatchOptions(ValueError):
    """An option is invalid; the message names it and the accepted values."""


class BatchOptions(TypedDict, total=False):
    """Options of a run; missing ones have the defaults of the model."""

    query: str
    scope: str
    apis: Sequence[str] | None
    min_confidence: float | None
    max_labels: int | None
    older_than: str
    error_code: str
    since: datetime | None
    limit: int | None
    budget: Decimal | None
    rate: float | None
    is_forced: bool
    uses_id_list: bool
    person_id: int | None
    all_owners: bool
    mail_to: str


def build_batch(**options: Unpack[BatchOptions]) -> Batch:
    """An unsaved batch, ready to estimate and start. Raises InvalidBatchOptions."""
    older_than = options.pop("older_than", "")
    apis, max_labels = options.pop("apis", None), options.pop("max_labels", None)
    min_confidence = options.pop("min_confidence", None)
    _check_query(options.get("query", ""))
    check_amounts(limit=options.get("limit"), budget=options.get("budget"), rate=options.get("rate"))
    _check_texts(older_than=older_than, error_code=options.get("error_code", ""))
    selected = _validate_apis(apis)
    return Batch(
        **options,
        older_than=_version(older_than, selected) if options.get("scope") == Batch.Scope.OUTDATED else "",
        recognizer=registry.current().name,
        parameters=_parameters(selected, min_confidence=min_confidence, max_labels=max_labels),
        started_at=_database_time(),
    )


def with_apis(batch: Batch, apis: list[str]) -> Batch:
    """A copy of an unsaved batch for other APIs, with their default parameters."""
    other = copy(batch)
    other.parameters = _parameters(_validate_apis(apis), min_confidence=None, max_labels=None)
    return other


def _database_time() -> datetime:
    """The database's time, which dates results and so is used for relative dates."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        time: datetime = cursor.fetchone()[0]
    return time


def _check_query(query: str) -> None:
    try:
        parse(query)
    except InvalidQuery as error:
        message = _("Invalid search, column %(column)s: %(error)s") % {"column": error.column, "error": error}
        raise InvalidBatchOptions(message) from error


def check_amounts(*, limit: int | None = None, budget: Decimal | None = None, rate: float | None = None) -> None:
    """Raises InvalidBatchOptions for values out of range."""
    if limit is not None and not 1 <= limit <= 2**31 - 1:
        raise InvalidBatchOptions(_("The limit must be at least 1 picture, not %(value)s.") % {"value": count(limit)})
    if budget is not None and not (budget.is_finite() and 0 <= budget <= MAX_BUDGET):
        raise InvalidBatchOptions(
            _("The budget must be from %(minimum)s to %(maximum)s, not %(value)s.")
            % {"minimum": dollars(0), "maximum": dollars(MAX_BUDGET), "value": budget}
        )
    if rate is not None and not 0.01 <= rate <= 100_000:
        raise InvalidBatchOptions(
            _("The rate must be from 0.01 to 100,000 calls per second and API, not %(value)s.") % {"value": f"{rate:g}"}
        )


def _check_texts(*, older_than: str, error_code: str) -> None:
    if len(older_than) > MAX_VERSION_LENGTH or "\0" in older_than:
        raise InvalidBatchOptions(_("%(value)s is not a model version.") % {"value": repr(older_than[:60])})
    if len(error_code) > MAX_CODE_LENGTH or "\0" in error_code:
        raise InvalidBatchOptions(_("%(value)s is not an error code.") % {"value": repr(error_code[:60])})


def _validate_apis(apis: Sequence[str] | None) -> list[str]:
    if apis is None:
        apis = registry.enabled_apis()
    recognizer = registry.current()
    supported = ", ".join(api for api in Analysis.Api.values if api in recognizer.apis)
    if not apis:
        raise InvalidBatchOptions(
            _("Choose at least one API of %(recognizer)s: %(apis)s.")
            % {"recognizer": recognizer.name, "apis": supported}
        )
    if unknown := [api for api in apis if api not in recognizer.apis]:
        raise InvalidBatchOptions(
            _("%(recognizer)s does not support %(unknown)s. Choose from %(apis)s.")
            % {"recognizer": recognizer.name, "unknown": ", ".join(unknown), "apis": supported}
        )
    return [api for api in Analysis.Api.values if api in apis]


def _version(older_than: str, apis: list[str]) -> str:
    """The version that counts as new.

    Raises InvalidBatchOptions for "latest" before any result.
    """
    if older_than != LATEST:
        return older_than
    recognizer = registry.current().name
    if not any(latest_version(recognizer, api) for api in apis):
        raise InvalidBatchOptions(
            _("%(recognizer)s has no results yet, so there is no latest version.") % {"recognizer": recognizer}
        )
    return LATEST


def _parameters(apis: list[str], *, min_confidence: float | None, max_labels: int | None) -> dict[str, dict[str, Any]]:
    parameters = registry.all_parameters()
    try:
        if min_confidence is not None:
            parameters = replace(parameters, min_confidence=min_confidence, moderation_min_confidence=min_confidence)
        if max_labels is not None:
            parameters = replace(parameters, max_labels=max_labels)
    except InvalidParameter as error:
        raise InvalidBatchOptions(translated(error)) from error
    return {api: parameters.as_json(cast(ApiName, api)) for api in apis}
