"""The strategy for each shape of query, at a million images and a budget of 3,000."""

import pytest

from analysis.search.pagination import Order
from analysis.search.plans.costs import BUDGET, Statistics, trial_budget
from analysis.search.plans.strategies import RULES, Strategy, choose_strategy

LABEL_TRIAL, LABEL_SCAN, LABEL_SETS = Strategy.LABEL_TRIAL, Strategy.LABEL_SCAN, Strategy.LABEL_SETS
CONFIDENCE_TRIAL, CONFIDENCE_SCAN = Strategy.CONFIDENCE_TRIAL, Strategy.CONFIDENCE_SCAN
IMAGE_TRIAL, IMAGE_SCAN = Strategy.IMAGE_TRIAL, Strategy.IMAGE_SCAN
CANDIDATES, TABLE_SCAN = Strategy.CANDIDATES, Strategy.TABLE_SCAN
TIME, COLUMN, CONFIDENCE, NONE = Order.TIME, Order.COLUMN, Order.CONFIDENCE, Order.NONE
NAME = {"has_image_filter": True, "reads_images": True}


def labels(*counts, **others):
    return {"labels": counts, "scannable": counts[0], **others}


@pytest.mark.parametrize(
    ("shape", "statistics", "strategies"),
    [
        ("(empty)", {"is_unfiltered": True}, [(IMAGE_SCAN, 0)]),
        ("sort:name", {"is_unfiltered": True, "order": COLUMN}, [(IMAGE_SCAN, 0)]),
        ("common", labels(400_000), [(LABEL_TRIAL, 3_000), (LABEL_SCAN, 0)]),
        ("rare", labels(300), [(LABEL_SCAN, 0)]),
        ("common>=90", labels(400_000, has_minimums=True), [(LABEL_TRIAL, 3_000), (LABEL_SCAN, 0)]),
        ("a* (many labels)", {"labels": (400_000,)}, [(IMAGE_TRIAL, 3_000), (LABEL_SETS, 0)]),
        ("common common", labels(200_000, 400_000), [(LABEL_TRIAL, 1_000), (LABEL_SETS, 0)]),
        ("seldom together", labels(9_000, 10_000), [(LABEL_TRIAL, 300), (LABEL_SETS, 0)]),
        ("rare common", labels(900, 400_000), [(LABEL_SCAN, 0)]),
        ("rare rare", labels(500, 900), [(LABEL_SETS, 0)]),
        ("rare rare>=90", labels(500, 900, has_minimums=True), [(LABEL_SCAN, 0)]),
        ("common -common", labels(200_000, excluded=(400_000,)), [(LABEL_TRIAL, 1_000), (LABEL_SETS, 0)]),
        ("rare -common", labels(900, excluded=(900_000,)), [(LABEL_SCAN, 0)]),
        ("-common", {"excluded": (400_000,)}, [(IMAGE_TRIAL, 3_000), (TABLE_SCAN, 0)]),
        ("common common, a long page", labels(200_000, 400_000, limit=4_000), [(LABEL_SETS, 0)]),
        ("common, a long page", labels(400_000, limit=4_000), [(LABEL_SCAN, 0)]),
        ("common taken:2024", labels(400_000, has_date_taken=True), [(LABEL_TRIAL, 3_000), (LABEL_SCAN, 0)]),
        (
            "common common taken:2024",
            labels(8_000, 9_000, has_date_taken=True),
            [(LABEL_TRIAL, 3_000), (LABEL_SCAN, 0)],
        ),
        ("owner:few", {"owned": 40}, [(IMAGE_SCAN, 0)]),
        ("owner:few common", labels(400_000, owned=4_000), [(IMAGE_SCAN, 0)]),
        ("owner:few rare", labels(500, owned=4_000), [(LABEL_SCAN, 0)]),
        ("owner:few common common", labels(70_000, 80_000, owned=4_000), [(LABEL_TRIAL, 3_000), (LABEL_SCAN, 0)]),
        ("owner:few sort:name", {"owned": 40, "order": COLUMN}, [(IMAGE_TRIAL, 6_000), (TABLE_SCAN, 0)]),
        ("owner:many", {}, [(IMAGE_TRIAL, 3_000), (TABLE_SCAN, 0)]),
        ("text:x", {"has_few_candidates": True}, [(CANDIDATES, 0)]),
        ("text:x common", labels(400_000, has_few_candidates=True), [(CANDIDATES, 0)]),
        ("text:x sort:name", {"has_few_candidates": True, "order": COLUMN}, [(CANDIDATES, 0)]),
        ("by:local", {"has_table": True}, [(IMAGE_TRIAL, 3_000), (CANDIDATES, 0)]),
        ("by:local rare", labels(9_000, has_table=True), [(LABEL_TRIAL, 3_000), (LABEL_SCAN, 0)]),
        ("by:local common", labels(400_000, has_table=True), [(LABEL_TRIAL, 3_000), (CANDIDATES, 0)]),
        ("by:local name:x", {"has_table": True, **NAME}, [(IMAGE_TRIAL, 3_000), (TABLE_SCAN, 0)]),
        ("name:x", NAME, [(IMAGE_TRIAL, 3_000), (TABLE_SCAN, 0)]),
        ("name:x sort:size", {**NAME, "order": COLUMN}, [(IMAGE_TRIAL, 6_000), (TABLE_SCAN, 0)]),
        ("name:x rare", labels(9_000, **NAME), [(LABEL_TRIAL, 3_000), (LABEL_SCAN, 0)]),
        ("name:x common", labels(400_000, **NAME), [(LABEL_TRIAL, 3_000), (TABLE_SCAN, 0)]),
        ("width<200", {"reads_images": True}, [(IMAGE_TRIAL, 3_000), (TABLE_SCAN, 0)]),
        ("width<200 frequent", labels(100_000, reads_images=True), [(LABEL_TRIAL, 3_000), (LABEL_SCAN, 0)]),
        ("width<200 common", labels(400_000, reads_images=True), [(LABEL_TRIAL, 3_000), (TABLE_SCAN, 0)]),
        ("has:location", {"has_partial_index": True, "reads_images": True}, [(IMAGE_TRIAL, 3_000), (IMAGE_SCAN, 0)]),
        ("common sort:name", labels(400_000, order=COLUMN), [(IMAGE_TRIAL, 6_000), (LABEL_SETS, 0)]),
        ("rare sort:name", labels(9_000, order=COLUMN), [(LABEL_SETS, 0)]),
        ("frequent sort:name", labels(11_000, order=COLUMN), [(IMAGE_TRIAL, 8_318), (LABEL_SETS, 0)]),
        ("rare sort:confidence", labels(9_000, order=CONFIDENCE), [(CONFIDENCE_SCAN, 0)]),
        ("very-common rare sort:confidence", labels(900_000, order=CONFIDENCE, scannable=11), [(LABEL_SETS, 0)]),
        (
            "common sort:confidence",
            labels(400_000, order=CONFIDENCE),
            [(CONFIDENCE_TRIAL, 3_000), (CONFIDENCE_TRIAL, 3_000), (CONFIDENCE_SCAN, 0)],
        ),
        ("count of all", {"is_unfiltered": True, "order": NONE}, [(IMAGE_SCAN, 0)]),
        ("count of common", labels(400_000, order=NONE, limit=10_001), [(LABEL_SCAN, 0)]),
        (
            "count of common common",
            labels(200_000, 400_000, order=NONE, limit=1_001),
            [(LABEL_TRIAL, 6_000), (LABEL_SETS, 0)],
        ),
        ("count of rare rare", labels(500, 900, order=NONE, limit=1_001), [(LABEL_SETS, 0)]),
        ("count of has:location", {"has_partial_index": True, "order": NONE}, [(TABLE_SCAN, 0)]),
        ("count of name:x", {**NAME, "order": NONE}, [(TABLE_SCAN, 0)]),
        ("count of by:local", {"has_table": True, "order": NONE}, [(CANDIDATES, 0)]),
    ],
)
def test_strategies_of_a_query_whose_trials_find_nothing(shape, statistics, strategies):
    assert tried(Statistics(**{"image_count": 1_000_000, **statistics}), matches=0) == strategies


@pytest.mark.parametrize(
    ("matches", "strategies"),
    [
        (0, [(LABEL_TRIAL, 1_000), (LABEL_SETS, 0)]),
        (1, [(LABEL_TRIAL, 1_000), (LABEL_SETS, 0)]),
        (20, [(LABEL_TRIAL, 1_000), (LABEL_TRIAL, 4_100), (LABEL_SETS, 0)]),
        (61, [(LABEL_TRIAL, 1_000)]),
    ],
)
def test_share_of_matches_tells_whether_to_scan_on(matches, strategies):
    assert tried(Statistics(**labels(50_000, 400_000), image_count=1_000_000), matches=matches) == strategies


@pytest.mark.parametrize(
    ("matches", "strategies"),
    [
        (59, [*((IMAGE_TRIAL, entries) for entries in (8_318, 563, 602, 642)), (LABEL_SETS, 0)]),
        (20, [(IMAGE_TRIAL, 8_318), (LABEL_SETS, 0)]),  # reading on would take longer than sorting all
        (61, [(IMAGE_TRIAL, 8_318)]),
    ],
)
def test_a_page_sorted_by_a_column_that_is_nearly_full_is_read_to_its_end(matches, strategies):
    assert tried(Statistics(**labels(11_000, order=COLUMN), image_count=1_000_000), matches=matches) == strategies


@pytest.mark.parametrize(
    ("order", "trials", "choice"),
    [
        (TIME, [(1_000, 48), (541, 57)], (LABEL_TRIAL, 216)),
        (TIME, [(1_000, 48), (541, 57), (216, 57), (246, 57)], (LABEL_SETS, 0)),
        (TIME, [(1_000, 48), (541, 48)], (LABEL_TRIAL, 834)),
        (TIME, [(1_000, 1)], (LABEL_SETS, 0)),  # reading on would take longer than sorting all
        (NONE, [(6_000, 48), (900, 57)], (LABEL_SETS, 0)),
    ],
)
def test_a_page_that_is_nearly_full_is_scanned_to_its_end(order, trials, choice):
    statistics = Statistics(**labels(200_000, 300_000, order=order), image_count=3_000_000)
    for scanned, matches in trials:
        statistics = statistics.after_trial(scanned=scanned, matches=matches)
    assert (choose_strategy(statistics), trial_budget(statistics)) == choice


def test_every_strategy_has_a_rule():
    assert {strategy for strategy, _applies in RULES} == set(Strategy)


def tried(statistics: Statistics, *, matches: int) -> list[tuple[Strategy, int]]:
    """The strategies in turn with their budgets, if each trial finds this number."""
    choices = []
    while True:
        strategy = choose_strategy(statistics)
        budget = trial_budget(statistics) if strategy.is_trial else 0
        choices.append((strategy, budget))
        if not strategy.is_trial or matches >= statistics.limit:
            return choices
        statistics = statistics.after_trial(scanned=budget, matches=matches)


def test_budget_scales_the_limits():
    few = Statistics(**labels(BUDGET), image_count=1_000_000)
    assert (choose_strategy(few), choose_strategy(Statistics(**labels(BUDGET), budget=100))) == (
        LABEL_SCAN,
        LABEL_TRIAL,
    )
