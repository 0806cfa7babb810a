"""Estimates of large selections, scaled up from a sample of their pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from analysis.batches.estimate import Estimate
from analysis.models import Batch, Viewer
from analysis.search import results
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import time_limit

SAMPLE_SIZE = 2_000
"""Size of the sample of a large selection, from which estimates are scaled up."""


def scale_factor(batch: Batch, ids: Sequence[int], sample: Estimate) -> float:
    """The size of the selection relative to the sample."""
    size = selection_size(batch, ids)
    capped_size = results.COUNT_CAP if math.isinf(size) else size
    sample_size = SAMPLE_SIZE if ids else sample.examined
    return max(1.0, capped_size / max(sample_size, 1))


def selection_size(batch: Batch, ids: Sequence[int]) -> float:
    """The number of selected pictures; infinity if they are too many to count."""
    if ids:
        return len(ids)
    owner_term = "" if batch.all_owners else " owner:me"
    viewer = Viewer(sees_all=True) if batch.all_owners else Viewer(user_id=batch.person_id)
    try:
        with time_limit():
            number = results.count(parse(f"{batch.query}{owner_term}"), viewer=viewer)
    except InvalidQuery:  # too long with the owner term, or not counted in time
        return math.inf
    return math.inf if number > results.COUNT_CAP else number


def scale(sample: Estimate, factor: float) -> Estimate:
    by_api = {
        api: replace(
            api_estimate,
            analyses=round(api_estimate.analyses * factor),
            reused=round(api_estimate.reused * factor),
            up_to_date=round(api_estimate.up_to_date * factor),
            in_progress=round(api_estimate.in_progress * factor),
            dollars=api_estimate.dollars * Decimal(factor),
            seconds=None if api_estimate.seconds is None else api_estimate.seconds * factor,
        )
        for api, api_estimate in sample.by_api.items()
    }
    return replace(sample, images=round(sample.images * factor), by_api=by_api)
