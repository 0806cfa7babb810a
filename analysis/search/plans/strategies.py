"""The choice of a strategy: how the images of a query are found.

Most pages are full after a few thousand entries of an index in the order of the result, so a scan with a budget comes
first: a trial. The share of matches in it decides whether to continue. `choose_strategy` is called after each trial.

A new strategy is its line in `Strategy`, its rule in `RULES`, its builder in statements.py, and the queries that choose
it in tests/search/plans/test_strategies.py. The name of one that may miss matches ends with `_TRIAL`; `trial_budget` in
costs.py decides how far it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from analysis.search.pagination import Order
from analysis.search.plans import statements
from analysis.search.plans.costs import Statistics, trial_budget
from analysis.search.plans.query_parts import QueryParts
from analysis.search.plans.statements import Scan
from analysis.search.sql.expressions import Sql


class Strategy(Enum):
    """A way to find the images of a query: its source and its statement's builder.

    `sorts_all_matches`: it has to find all matches before the first one of the result is known.
    """

    LABEL_TRIAL = "the first entries of the rarest label's index", statements.label_scan
    LABEL_SCAN = "all entries of the rarest label's index", statements.label_scan
    LABEL_SETS = "the index over label sets", statements.label_sets, True
    CONFIDENCE_TRIAL = "the images with a label at a high confidence", statements.confidence_scan
    CONFIDENCE_SCAN = "all images with a label, by confidence", statements.confidence_scan
    IMAGE_TRIAL = "the first images in the order of the result", statements.image_scan
    IMAGE_SCAN = "all images in the order of the result", statements.image_scan
    CANDIDATES = "all matches of one part, from another index or table", statements.candidates, True
    TABLE_SCAN = "all images in the order of the table", statements.table_scan, True

    def __init__(self, source: str, build: Callable[[QueryParts, Scan], Sql], sorts_all_matches: bool = False) -> None:
        self.source, self.build, self.sorts_all_matches = source, build, sorts_all_matches

    @property
    def is_trial(self) -> bool:
        """True if it may miss matches."""
        return self.name.endswith("_TRIAL")


RULES: tuple[tuple[Strategy, Callable[[Statistics], bool]], ...] = (
    (Strategy.IMAGE_SCAN, lambda of: of.prefers_owner and of.order in {Order.TIME, Order.NONE}),
    (Strategy.CANDIDATES, lambda of: of.has_few_candidates),
    (Strategy.LABEL_SETS, lambda of: of.order is Order.CONFIDENCE and of.has_rarer_label),
    (Strategy.CONFIDENCE_TRIAL, lambda of: of.order is Order.CONFIDENCE and trial_budget(of) > 0),
    (Strategy.CONFIDENCE_SCAN, lambda of: of.order is Order.CONFIDENCE),
    (Strategy.LABEL_TRIAL, lambda of: of.scannable is not None and of.order != Order.COLUMN and trial_budget(of) > 0),
    (Strategy.IMAGE_TRIAL, lambda of: trial_budget(of) > 0),
    (Strategy.LABEL_SCAN, lambda of: of.prefers_labels and of.is_label_short and of.order is not Order.COLUMN),
    (Strategy.LABEL_SETS, lambda of: of.prefers_labels),
    (Strategy.CANDIDATES, lambda of: of.has_table and not of.has_image_filter),
    (Strategy.IMAGE_SCAN, lambda of: of.is_unfiltered or (of.has_partial_index and of.order is not Order.NONE)),
    (Strategy.TABLE_SCAN, lambda _of: True),
)
"""Rules in order; the first one that applies is chosen."""


def choose_strategy(statistics: Statistics) -> Strategy:
    """Choose the strategy to try next; the last one chosen is not a trial."""
    return next(strategy for strategy, applies in RULES if applies(statistics))
