"""Numbers by which a strategy is chosen, and the budgets of trials."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analysis.search.pagination import Order

BUDGET = 3_000
"""Index entries that a trial reads before another strategy is chosen; about 10 ms."""
MAX_TRIALS = 4
"""Trials of a page. Two were too few: sorting all matches for the last four of a page took 0.9 s instead of 20 ms."""
FEW_IMAGES = 4
"""Up to this many budgets of images, all images are read by an index instead of a scan of the table."""
LABEL_ENTRIES_PER_IMAGE = 20
"""Entries of a label's index that take as long to read as one image."""
# Costs in lookups of another label on one image, measured by `python -m bench.search.costs`. As ratios they differ less
# between machines than times, and half or twice the value changes few choices.
ENTRY_COST = 0.09
"""Cost of an entry of the index over label sets."""
MATCH_COST = 0.27
"""Cost of an image found by the index over label sets."""
CONFIDENCE_STEPS = (9_900, 9_000)
"""Minimum confidences in hundredths of a percent, tried in this order: a page is mostly full before the last one."""


@dataclass(frozen=True)
class Statistics:
    """The numbers by which a strategy is chosen."""

    order: Order = Order.TIME
    limit: int = 61
    """Number of images requested."""
    image_count: int = 0
    labels: tuple[int, ...] = ()
    """Number of images per required label, the rarest first."""
    excluded: tuple[int, ...] = ()
    has_minimums: bool = False
    """True if a required label has a minimum confidence."""
    scannable: int | None = None
    """Number of images with the rarest label whose index can be scanned, unlike that of a prefix with many labels."""
    owned: int | None = None
    """Number of images of the only owner, if there are few."""
    is_unfiltered: bool = False
    has_few_candidates: bool = False
    has_table: bool = False
    """True if another table has all matches of a part."""
    has_image_filter: bool = False
    has_partial_index: bool = False
    has_date_taken: bool = False
    reads_images: bool = False
    """True if a condition reads columns of the images."""
    budget: int = BUDGET
    trials: int = 0
    scanned: int = 0
    matches: int = 0
    """Entries scanned and matches found in previous trials."""

    def after_trial(self, *, scanned: int, matches: int) -> Statistics:
        return replace(self, trials=self.trials + 1, scanned=self.scanned + scanned, matches=matches)

    @property
    def prefers_owner(self) -> bool:
        """True if reading all images of the owner is cheaper than a label's index."""
        frequent = LABEL_ENTRIES_PER_IMAGE * (self.owned or 0)
        return self.owned is not None and (not self.labels or self.labels[0] > frequent)

    @property
    def prefers_labels(self) -> bool:
        """True if reading all images with the rarest label is cheaper than another source."""
        if not self.labels or self.has_date_taken:
            return bool(self.labels)
        if self.has_image_filter or self.has_table or self.has_partial_index:
            return self.labels[0] <= FEW_IMAGES * self.budget
        return not self.reads_images or self.labels[0] <= max(FEW_IMAGES * self.budget, self.image_count // 8)

    @property
    def is_label_short(self) -> bool:
        """True if the rarest label's index is faster to read than that of label sets."""
        return self.scannable is not None and (not self.has_label_sets or self.is_scan_short)

    @property
    def is_scan_short(self) -> bool:
        """True if the rarest label's index is no longer than a trial."""
        return (self.scannable or 0) <= self.budget // 3 and not self.are_label_sets_cheap

    @property
    def has_rarer_label(self) -> bool:
        """True if another label leaves few matches to sort by a frequent one's confidence."""
        return self.scannable is not None and self.scannable <= min(self.budget, self.labels[0] // 10)

    @property
    def has_label_sets(self) -> bool:
        """True if the index over label sets helps, which finds several labels at once.

        False if most of its images would be other people's.
        """
        # The index has neither owner nor date taken.
        return len(self.labels) + len(self.excluded) > 1 and not self.has_date_taken and self.owned is None

    @property
    def are_label_sets_cheap(self) -> bool:
        """True if the rarest label has few images, and no label has very many."""
        is_plain = not self.has_minimums and not self.excluded
        return is_plain and self.labels[0] <= self.budget and self.labels[-1] <= self.image_count // 8

    @property
    def do_label_sets_beat_scan(self) -> bool:
        """True if the index over label sets is expected to be faster than a scan."""
        # The estimate assumes independent labels. Labels that are searched together mostly occur together, so a scan is
        # often shorter than estimated. So a short trial comes first even if the index costs little.
        rarest, total = self.labels[0], max(self.image_count, 1)
        matches = float(rarest)
        for number in self.labels[1:]:
            matches *= min(1.0, number / total)
        for number in self.excluded:
            matches *= max(0.0, 1.0 - number / total)
        scanned = min(rarest, rarest * self.limit / max(matches, 1.0))
        return scanned > rarest * ENTRY_COST + matches * MATCH_COST


def trial_budget(statistics: Statistics) -> int:
    """The index entries of the next trial; 0 for none."""
    if statistics.order is Order.CONFIDENCE:
        is_large = statistics.labels[0] > FEW_IMAGES * statistics.budget
        return statistics.budget if is_large and statistics.trials < len(CONFIDENCE_STEPS) else 0
    if statistics.trials:
        return _next_budget(statistics)
    if statistics.order is Order.NONE:
        return _count_budget(statistics)
    if statistics.limit >= statistics.budget or statistics.is_unfiltered:
        return 0
    if statistics.order is Order.COLUMN:
        return _column_budget(statistics)
    return statistics.budget if statistics.scannable is None else _label_budget(statistics, statistics.scannable)


def _column_budget(statistics: Statistics) -> int:
    """The images to read first in the order of another column.

    0 if sorting the images with the rarest label is cheaper.
    """
    if not statistics.labels or statistics.labels[0] > FEW_IMAGES * statistics.budget:
        return 2 * statistics.budget
    rarest = max(statistics.labels[0], 1)
    # Half as many again as a full page needs on average, since few pages have exactly the average.
    entries = max(2 * statistics.budget, 3 * statistics.limit * statistics.image_count // (2 * rarest))
    return entries if entries <= rarest else 0


def _label_budget(statistics: Statistics, scannable: int) -> int:
    """The entries of the rarest label's index to scan first for a page."""
    budget = statistics.budget
    if statistics.has_label_sets:
        if statistics.are_label_sets_cheap or statistics.is_scan_short:
            return 0
        is_doubtful = scannable <= FEW_IMAGES * budget and statistics.do_label_sets_beat_scan
        return max(1, budget // (10 if is_doubtful else 3))
    return 0 if statistics.prefers_labels and scannable <= budget else budget


def _count_budget(statistics: Statistics) -> int:
    # A count has no order to keep, so it scans further than a page before it gives up.
    is_worthwhile = statistics.scannable is not None and statistics.has_label_sets and not statistics.is_unfiltered
    return 2 * statistics.budget if is_worthwhile and not statistics.do_label_sets_beat_scan else 0


def _next_budget(statistics: Statistics) -> int:
    """The entries to scan for the missing matches; 0 if another source is faster."""
    matches, scanned, limit = statistics.matches, statistics.scanned, statistics.limit
    maximum = 2 if statistics.order is Order.NONE else MAX_TRIALS  # each trial of a count begins anew
    if statistics.trials >= maximum or not matches or not statistics.labels:
        return 0
    if statistics.order is not Order.NONE:
        limit -= matches
    # Twice the estimate, since a scan that ends too early is wasted.
    entries, rarest = 2 * limit * scanned // matches, statistics.labels[0]
    if statistics.order is Order.COLUMN:
        return entries if entries <= rarest else 0
    if statistics.scannable is None or not statistics.has_label_sets:
        return 0
    lookups = 1 if statistics.has_minimums else 0
    index_cost = rarest * ENTRY_COST + rarest * matches / scanned * (MATCH_COST + lookups)
    return entries if entries < 2 * index_cost else 0
