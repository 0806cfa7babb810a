"""How a query is answered: along which index, how far, and where else to look when that is not far enough.

First a budgeted walk in the result's own order, along the rarest label or along the pictures, since a page is mostly
found within the first few thousand. Where it is not, the few pictures that carry all the labels are gathered by a GIN
index, or a selective part (a text, a face, a mark) gives the candidates, or the walk goes on to its end.
"""

from __future__ import annotations

from collections.abc import Iterator

from analysis.search.places import Place
from analysis.search.selectors import EVERYTHING, Candidates
from analysis.search.sql import Sql
from analysis.search.statements import Statements

MOST_APART = 8
"""Every eighth hit at most: to pass over more than lie between would take longer than to count them."""


class Plan(Statements):
    """In which order statements are tried."""

    def attempts(self, *, after: Place | None, limit: int) -> Iterator[Sql]:
        """Statements to be tried one after the other until one finds `limit` rows of (image id, key)."""
        if after and not isinstance(after.key, self.order.kind):
            after = None
        if self.is_owned_by_few and self.order.key == "i.added_at":
            yield self.along_images(after=after, limit=limit, budget=None)
        elif self.is_selective:
            yield self.gathered(self.selector or EVERYTHING, after=after, limit=limit)
        elif self.sort == "confidence":
            yield from self._by_confidence(after=after, limit=limit)
        elif self.sort in {"newest", "oldest"}:
            yield from self._by_time(after=after, limit=limit)
        else:
            yield from self._by_column(after=after, limit=limit)

    def counted(self, *, cap: int) -> Sql:
        """A statement that counts up to `cap`."""
        if self.is_owned_by_few:
            hits = self.along_images(after=None, limit=cap, budget=None)
        elif self.is_selective:
            hits = self.gathered(self.selector or EVERYTHING, after=None, limit=cap)
        elif self.driver and not self._is_scattered(cap):
            hits = self.along_label(self.driver, after=None, limit=cap, budget=None)
        elif self.carried:
            hits = self.gathered(self.by_index(), after=None, limit=cap)
        else:
            hits = self.along_images(after=None, limit=cap, budget=None)
        return Sql(f"SELECT count(*) FROM ({hits.text}) hits", hits.values)  # noqa: S608

    def sampled(self, *, limit: int, cap: int, every: int) -> tuple[Sql, bool]:
        """All hits up to the cap (then True), or every so many up to the limit, whichever comes cheaper."""
        driver = self.driver
        if self.is_owned_by_few or not (self.is_selective or self.carried or every > 1):
            return self.along_images(after=None, limit=cap, budget=None), True
        if self.is_selective:
            return self.gathered(self.selector or EVERYTHING, after=None, limit=cap), True
        if not self.carried:
            some = Sql(
                "SELECT generate_series(%s, (SELECT max(id) FROM analysis_image), %s) AS image_id", (every, every)
            )
            return self.gathered(Candidates(some), after=None, limit=limit), False
        if driver is None or self._is_scattered(limit):
            return self.gathered(self.by_index(), after=None, limit=cap), True
        if every == 1:
            return self.along_label(driver, after=None, limit=cap, budget=None), True
        share = [Sql("d.image_id %% %s = 0", (min(every, MOST_APART),))]
        return self.along_label(driver, after=None, limit=limit, budget=None, share=share), False

    @property
    def is_selective(self) -> bool:
        """Candidates come from elsewhere than from labels and from the pictures in their order."""
        return self.meaning.query.asks_for_trash or self.selector is not None

    def _is_scattered(self, wanted: int) -> bool:
        """By what labels would share if they knew nothing of one another: walking along one would take long."""
        if len(self.carried) + len(self.excluded) < 2 or self.days_added():
            return False
        rarest, whole = self.carried[0].labels.image_count, max(self.meaning.pictures, 1)
        shared = float(whole)
        for each in self.carried:
            shared *= min(1.0, each.labels.image_count / whole)
        for labels in self.excluded.values():
            shared *= max(0.0, 1.0 - labels.image_count / whole)
        return rarest > self.budget and rarest * min(1.0, wanted / max(shared, 1.0)) > 2 * self.budget

    def _by_time(self, *, after: Place | None, limit: int) -> Iterator[Sql]:
        driver = self.driver
        if driver is None:
            if self.parts and limit < self.budget:
                yield self.along_images(after=after, limit=limit, budget=self.budget)
            if self.carried:
                yield self.gathered(self.by_index(), after=after, limit=limit)
            else:
                yield self.along_images(after=after, limit=limit, budget=None)
            return
        if limit < self.budget:
            yield self.along_label(driver, after=after, limit=limit, budget=self.budget)
        if len(self.carried) + len(self.excluded) > 1 and not self.days_added():
            yield self.gathered(self.by_index(), after=after, limit=limit)
        else:
            yield self.along_label(driver, after=after, limit=limit, budget=None)

    def _by_column(self, *, after: Place | None, limit: int) -> Iterator[Sql]:
        rarest = self.carried[0].labels.image_count if self.carried else None
        if rarest is None or rarest > 4 * self.budget:
            yield self.along_images(after=after, limit=limit, budget=2 * self.budget if self.parts else None)
        if self.carried:
            yield self.gathered(self.by_index(), after=after, limit=limit)
        elif self.parts:
            yield self.along_images(after=after, limit=limit, budget=None)

    def _by_confidence(self, *, after: Place | None, limit: int) -> Iterator[Sql]:
        """The surest first: mostly a page is full long before all that carry the label were looked at."""
        ranked = self.ranked
        if ranked is None:
            return
        for surest in (9_900, 9_000, 0) if ranked.labels.image_count > 4 * self.budget else (0,):
            if after is None or (isinstance(after.key, int) and after.key >= surest):
                yield self.by_rank(ranked, least=max(surest, ranked.least), after=after, limit=limit)
