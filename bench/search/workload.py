"""Generated search queries over the labels of a library.

Each case is a query as a user would type it, with its meaning for the baselines and the oracle.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg

from bench.dataset import words
from bench.dataset.spec import BEGIN, LABELS

SEED = 7
OWNERS = (1, 2, 5, 20, 60)
MINIMUMS = (9_000, 9_000, 9_500, 8_000, 8_700)
DAYS = (365, 30, 7)
CANDIDATES = 400  # pairs of common labels, of which those that rarely occur together are used
MAX_COUNTED = 1_000  # hits, up to which pages count
SAMPLE = 60_000  # pictures in which the pairs are counted


@dataclass(frozen=True)
class SearchCase:
    """A query and its meaning.

    `labels` holds label ids with the minimum confidence in hundredths of a percent, the rarest label first; `first` and
    `last` are days in UTC.
    """

    shape: str
    text: str
    labels: tuple[tuple[int, int], ...] = ()
    excluded: tuple[int, ...] = ()
    owner: int | None = None
    first: date | None = None
    last: date | None = None

    @property
    def ids(self) -> list[int]:
        return [label_id for label_id, _ in self.labels]

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """Start of the first day and end of the last day."""
        if self.first is None or self.last is None:
            return None
        moments = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (self.first, self.last))
        begin, end = moments
        return begin, end + timedelta(days=1)


class WorkloadGenerator:
    """Generates queries for a loaded library."""

    def __init__(self, connection: psycopg.Connection, *, pictures: int) -> None:
        self._generator = np.random.default_rng(SEED)
        self._connection, self._pictures = connection, pictures
        rows = connection.execute("SELECT id, image_count FROM analysis_label WHERE kind = 'label'").fetchall()
        self.counts: dict[int, int] = dict(rows)
        self.ranked = sorted((key for key in self.counts if self.counts[key]), key=lambda key: -self.counts[key])
        self._rank = {label_id: position for position, label_id in enumerate(self.ranked)}

    def cases(self) -> list[SearchCase]:
        """Two hundred queries of ten shapes."""
        ranks = [rank if rank < 10 else self._integer(10, 30) for rank in range(20)]
        cases = [self._one("one_common", self.ranked[rank]) for rank in ranks]
        cases += [self._one("one_mid", self.ranked[self._integer(30, 300)]) for _ in range(15)]
        rare_from = min(1_000, len(self.ranked) // 2)
        cases += [self._one("one_rare", self.ranked[self._integer(rare_from, len(self.ranked))]) for _ in range(15)]
        cases += [self._together("and2", 2) for _ in range(30)]
        cases += [self._case("and2_adv", [(label_id, 0) for label_id in pair]) for pair in self._rare_pairs(15)]
        cases += [self._together("and3", 3) for _ in range(25)]
        cases += [self._and_not(1 + index % 2) for index in range(25)]
        cases += [self._with_minimum(index) for index in range(25)]
        cases += [self._together("owner", 1 + index % 2, owner=OWNERS[index % 5]) for index in range(15)]
        return cases + [self._dated(index) for index in range(15)]

    def other_terms(self) -> list[SearchCase]:
        """Queries with all other terms, at least five of each kind, without a meaning."""
        label_ids = [self.ranked[self._integer(5, 300)] for _ in range(20)]
        names = [self._name(label_id) for label_id in label_ids]
        pairs = list(zip(names[::2], names[1::2], strict=True))
        counted_names = [self._name(label_id) for label_id in self._counted_labels()]
        text_words = [words.words()[rank] for rank in (*range(1, 6), *range(40, 50), *range(300, 310))]
        sorted_names = ("", names[0], names[3], _quoted(self.top))
        return [
            *(SearchCase("OR", f"{one} OR {other}") for one, other in pairs),
            *(SearchCase("prefix", f"{words.SYLLABLES[7 * index]}*") for index in range(10)),
            *(SearchCase("category", f'category:"{words.category_of(root)}"') for root in range(10)),
            *(SearchCase("count()", f"count({name})>={2 + index % 2}") for index, name in enumerate(counted_names)),
            *(SearchCase("face()", f"face({traits})") for traits in FACES),
            *(SearchCase("text", f"text:{word}") for word in text_words),
            *(SearchCase(f"sort:{sort}", f"{name} sort:{sort}".strip()) for sort in SORTS for name in sorted_names),
        ]

    def without_labels(self) -> list[SearchCase]:
        """Queries without labels, most of them with few or no hits."""
        top = _quoted(self.top)
        return [
            SearchCase(shape, text.replace("TOP", top)) for shape, texts in WITHOUT_LABELS.items() for text in texts
        ]

    @property
    def top(self) -> str:
        """Name of the most frequent label."""
        return words.name_of(self.ranked[0])

    def _counted_labels(self) -> list[int]:
        rows = self._connection.execute(
            """SELECT label_id FROM (SELECT * FROM analysis_imagelabel LIMIT 200000) sample
               WHERE instance_count > 0 GROUP BY label_id ORDER BY count(*) DESC, label_id LIMIT 20"""
        ).fetchall()
        return [label_id for (label_id,) in rows[::2]]

    def _one(self, shape: str, label_id: int) -> SearchCase:
        return self._case(shape, [(label_id, 0)])

    def _together(self, shape: str, count: int, **filters: int) -> SearchCase:
        chosen = self._generator.choice(self._picture_labels(), count, replace=False)
        return self._case(shape, [(int(label_id), 0) for label_id in chosen], **filters)

    def _and_not(self, count: int) -> SearchCase:
        """Queries that exclude a common label, often an ancestor of the included ones."""
        frequent: list[int] = []
        while not frequent:
            labels = self._picture_labels()
            frequent = [label_id for label_id in labels if self._rank[label_id] < 400]
        draw = self._generator.choice(frequent, min(len(frequent), count), replace=False)
        chosen = [int(label_id) for label_id in draw]
        common = [key for key in sorted(labels, key=self._rank.__getitem__)[:3] if key not in chosen]
        return self._case("and_not", [(label_id, 0) for label_id in chosen], excluded=common[:1])

    def _with_minimum(self, index: int) -> SearchCase:
        labels = self._picture_labels()
        chosen = [int(label_id) for label_id in self._generator.choice(labels, 1 + index % 2, replace=False)]
        common = [key for key in sorted(labels, key=self._rank.__getitem__)[:3] if key not in chosen]
        minimums = [(label_id, MINIMUMS[index % 5]) for label_id in chosen]
        return self._case("threshold", minimums, excluded=[] if index % 5 else common[:1])

    def _dated(self, index: int) -> SearchCase:
        first = datetime.fromtimestamp(BEGIN + self._generator.random() * 9.5 * 365 * 86_400, UTC).date()
        last = first + timedelta(days=DAYS[index % 3] - 1)
        chosen = self._generator.choice(self._picture_labels(), 1 + index % 2, replace=False)
        return self._case("date", [(int(label_id), 0) for label_id in chosen], first=first, last=last)

    def _rare_pairs(self, count: int) -> list[tuple[int, int]]:
        """Pairs of common labels that rarely occur together, by a sample of the pictures."""
        common = self.ranked[5:150]
        step = max(1, self._pictures // SAMPLE)
        rows = self._connection.execute(
            "SELECT label_ids FROM analysis_imageindex WHERE image_id %% %s = 0", [step]
        ).fetchall()
        position = {label_id: column for column, label_id in enumerate(common)}
        has = np.zeros((len(rows), len(common)), np.float32)
        for row, (label_ids,) in enumerate(rows):
            has[row, [position[label_id] for label_id in label_ids if label_id in position]] = 1
        together, totals = has.T @ has, has.sum(0)
        pairs = [self._generator.choice(len(common), 2, replace=False) for _ in range(CANDIDATES)]
        pairs.sort(key=lambda pair: together[pair[0], pair[1]] / max(1, min(totals[pair[0]], totals[pair[1]])))
        return [(common[one], common[other]) for one, other in pairs[:count]]

    def _picture_labels(self) -> list[int]:
        """Label ids of a random picture with at least six labels."""
        while True:
            row = self._connection.execute(
                "SELECT label_ids FROM analysis_imageindex WHERE image_id = %s", [self._integer(1, self._pictures + 1)]
            ).fetchone()
            labels = [label_id for label_id in row[0] if label_id <= LABELS] if row else []
            if len(labels) >= 6:
                return labels

    def _case(
        self,
        shape: str,
        labels: list[tuple[int, int]],
        *,
        excluded: list[int] | None = None,
        owner: int | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> SearchCase:
        terms = [self._name(label_id) + (f">={minimum / 100:g}" if minimum else "") for label_id, minimum in labels]
        terms += [f"-{self._name(label_id)}" for label_id in excluded or []]
        terms += [f"owner:{owner_name(owner)}"] if owner else []
        terms += [f"taken:{first}..{last}"] if first else []
        rarest_first = tuple(sorted(labels, key=lambda pair: self.counts[pair[0]]))
        return SearchCase(shape, " ".join(terms), rarest_first, tuple(excluded or ()), owner, first, last)

    def _name(self, label_id: int) -> str:
        return _quoted(words.name_of(label_id))

    def _integer(self, minimum: int, end: int) -> int:
        return int(self._generator.integers(minimum, end))


SORTS = ("taken-oldest", "newest", "oldest", "confidence", "name", "size")
FACES = (
    *("smile", "smile age:20..30", "eyeglasses", "female age:60..90", "male happy", "surprised age:5..12"),
    *("angry eyeglasses", "sad", "age:88..94", "smile female eyeglasses happy age:30..31"),
)

WITHOUT_LABELS = {
    "name:": ("name:x", "name:zebra", "name:999", "name:IMG_12", "name:x sort:size", "name:x TOP"),
    "OR of fields": ("camera:leica OR name:x", "format:png OR width<200"),
    "-name:": ("-name:IMG", "-name:IMG TOP"),
    "taken:": ("taken:1990", "taken:2016-02", "taken:2024", "taken:1990 sort:newest", "taken:1990 sort:name"),
    "is:trashed OR": ("is:trashed OR TOP", "is:trashed OR dog", "is:trashed OR name:x"),
    "is:duplicate": ("is:duplicate", "is:duplicate TOP", "is:duplicate sort:name"),
    "has:": ("has:location", "has:location TOP", "has:faces", "-has:faces -has:text sort:size", "-has:labels"),
    "camera: format:": ("camera:leica", "camera:canon", "format:png", "camera:leica TOP"),
    "width: size:": ("width<200", "width>=101 sort:name", "size>1GB", "width>=5000 orientation:portrait sort:size"),
    "quality:": ("quality>=99.9", "brightness:20..21 sort:name"),
    "by: model:": ("by:local", "by:rekognition", "model:2.0"),
    "-label": ("-TOP", "-TOP sort:size", "is:untagged"),
}


def owner_name(owner: int) -> str:
    return f"owner-{owner:03}"


def _quoted(name: str) -> str:
    return f'"{name}"'
