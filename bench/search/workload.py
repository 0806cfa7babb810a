"""The questions a search is asked in the bench: labels that occur together, rare and common ones, exclusions, bounds.

Each is a text in our language, as a person would type it, and beside it what it means, for rivals that are told the
labels' ids beforehand and for the answer that NumPy computes.
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
LEAST = (9_000, 9_000, 9_500, 8_000, 8_700)
DAYS = (365, 30, 7)
CANDIDATES = 400  # pairs of common labels of which the least friendly are asked for
MAX_COUNTED = 1_000  # hits; a page counts no further
SAMPLE = 60_000  # pictures that tell which labels are seldom together


@dataclass(frozen=True)
class SearchCase:
    """`wanted`: label ids with the least confidence, in hundredths of a percent, the rarest first; days are UTC."""

    shape: str
    text: str
    wanted: tuple[tuple[int, int], ...] = ()
    excluded: tuple[int, ...] = ()
    owner: int | None = None
    first: date | None = None
    last: date | None = None

    @property
    def ids(self) -> list[int]:
        return [label_id for label_id, _ in self.wanted]

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """From the first moment of its days to the first after them."""
        if self.first is None or self.last is None:
            return None
        moments = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (self.first, self.last))
        begin, end = moments
        return begin, end + timedelta(days=1)


class WorkloadGenerator:
    """Makes up questions about a library that is there."""

    def __init__(self, connection: psycopg.Connection, *, pictures: int) -> None:
        self._chance = np.random.default_rng(SEED)
        self._connection, self._pictures = connection, pictures
        rows = connection.execute("SELECT id, image_count FROM analysis_label WHERE kind = 'label'").fetchall()
        self.counts: dict[int, int] = dict(rows)
        self.ranked = sorted((each for each in self.counts if self.counts[each]), key=lambda each: -self.counts[each])
        self._rank = {label_id: place for place, label_id in enumerate(self.ranked)}

    def questions(self) -> list[SearchCase]:
        """Two hundred, of the recipe's ten shapes."""
        asked = [self._one("one_common", self.ranked[each if each < 10 else self._below(10, 30)]) for each in range(20)]
        asked += [self._one("one_mid", self.ranked[self._below(30, 300)]) for _ in range(15)]
        few = min(1_000, len(self.ranked) // 2)
        asked += [self._one("one_rare", self.ranked[self._below(few, len(self.ranked))]) for _ in range(15)]
        asked += [self._of_one_picture("and2", 2) for _ in range(30)]
        asked += [self._question("and2_adv", [(each, 0) for each in pair]) for pair in self._seldom_together(15)]
        asked += [self._of_one_picture("and3", 3) for _ in range(25)]
        asked += [self._and_not(1 + each % 2) for each in range(25)]
        asked += [self._bounded(each) for each in range(25)]
        asked += [self._of_one_picture("owner", 1 + each % 2, owner=OWNERS[each % 5]) for each in range(15)]
        return asked + [self._dated(each) for each in range(15)]

    def further(self) -> list[SearchCase]:
        """What else can be asked for, ten of each sort and more; only texts."""
        middling = [self.ranked[self._below(5, 300)] for _ in range(20)]
        names = [self._name(label_id) for label_id in middling]
        pairs = list(zip(names[::2], names[1::2], strict=True))
        counted = [self._name(label_id) for label_id in self._counted()]
        written = [words.words()[place] for place in (*range(1, 6), *range(40, 50), *range(300, 310))]
        sorted_names = ("", names[0], names[3], _quoted(self.top))
        return [
            *(SearchCase("OR", f"{one} OR {other}") for one, other in pairs),
            *(SearchCase("prefix", f"{words.SYLLABLES[7 * each]}*") for each in range(10)),
            *(SearchCase("category", f'category:"{words.category_of(each)}"') for each in range(10)),
            *(SearchCase("count()", f"count({name})>={2 + place % 2}") for place, name in enumerate(counted)),
            *(SearchCase("face()", f"face({traits})") for traits in FACES),
            *(SearchCase("text", f"text:{word}") for word in written),
            *(SearchCase(f"sort:{sort}", f"{name} sort:{sort}".strip()) for sort in SORTS for name in sorted_names),
        ]

    def broad(self) -> list[SearchCase]:
        """What no label leads to, mostly rare or not there at all, for eyes that see every picture."""
        top = _quoted(self.top)
        return [SearchCase(shape, text.replace("TOP", top)) for shape, texts in BROAD.items() for text in texts]

    @property
    def top(self) -> str:
        """The most frequent label's name."""
        return words.name_of(self.ranked[0])

    def _counted(self) -> list[int]:
        rows = self._connection.execute(
            """SELECT label_id FROM (SELECT * FROM analysis_imagelabel LIMIT 200000) sample
               WHERE instance_count > 0 GROUP BY label_id ORDER BY count(*) DESC, label_id LIMIT 20"""
        ).fetchall()
        return [label_id for (label_id,) in rows[::2]]

    def _one(self, shape: str, label_id: int) -> SearchCase:
        return self._question(shape, [(label_id, 0)])

    def _of_one_picture(self, shape: str, number: int, **more: int) -> SearchCase:
        chosen = self._chance.choice(self._labels_of_one(), number, replace=False)
        return self._question(shape, [(int(each), 0) for each in chosen], **more)

    def _and_not(self, number: int) -> SearchCase:
        """Without one of the most common labels of a picture that has the others: often an ancestor of theirs."""
        wanted: list[int] = []
        while not wanted:
            labels = self._labels_of_one()
            wanted = [each for each in labels if self._rank[each] < 400]
        chosen = [int(each) for each in self._chance.choice(wanted, min(len(wanted), number), replace=False)]
        common = [each for each in sorted(labels, key=self._rank.__getitem__)[:3] if each not in chosen]
        return self._question("and_not", [(each, 0) for each in chosen], excluded=common[:1])

    def _bounded(self, turn: int) -> SearchCase:
        labels = self._labels_of_one()
        chosen = [int(each) for each in self._chance.choice(labels, 1 + turn % 2, replace=False)]
        common = [each for each in sorted(labels, key=self._rank.__getitem__)[:3] if each not in chosen]
        wanted = [(each, LEAST[turn % 5]) for each in chosen]
        return self._question("threshold", wanted, excluded=[] if turn % 5 else common[:1])

    def _dated(self, turn: int) -> SearchCase:
        first = datetime.fromtimestamp(BEGIN + self._chance.random() * 9.5 * 365 * 86_400, UTC).date()
        last = first + timedelta(days=DAYS[turn % 3] - 1)
        chosen = self._chance.choice(self._labels_of_one(), 1 + turn % 2, replace=False)
        return self._question("date", [(int(each), 0) for each in chosen], first=first, last=last)

    def _seldom_together(self, number: int) -> list[tuple[int, int]]:
        """Pairs of common labels with the smallest common share, in a sample of the pictures."""
        common = self.ranked[5:150]
        step = max(1, self._pictures // SAMPLE)
        rows = self._connection.execute(
            "SELECT label_ids FROM analysis_imageindex WHERE image_id %% %s = 0", [step]
        ).fetchall()
        place = {label_id: column for column, label_id in enumerate(common)}
        has = np.zeros((len(rows), len(common)), np.float32)
        for row, (label_ids,) in enumerate(rows):
            has[row, [place[each] for each in label_ids if each in place]] = 1
        both, own = has.T @ has, has.sum(0)
        pairs = [self._chance.choice(len(common), 2, replace=False) for _ in range(CANDIDATES)]
        pairs.sort(key=lambda pair: both[pair[0], pair[1]] / max(1, min(own[pair[0]], own[pair[1]])))
        return [(common[one], common[other]) for one, other in pairs[:number]]

    def _labels_of_one(self) -> list[int]:
        """Of some picture that carries six or more."""
        while True:
            row = self._connection.execute(
                "SELECT label_ids FROM analysis_imageindex WHERE image_id = %s", [self._below(1, self._pictures + 1)]
            ).fetchone()
            labels = [each for each in row[0] if each <= LABELS] if row else []
            if len(labels) >= 6:
                return labels

    def _question(
        self,
        shape: str,
        wanted: list[tuple[int, int]],
        *,
        excluded: list[int] | None = None,
        owner: int | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> SearchCase:
        terms = [self._name(label_id) + (f">={minimum / 100:g}" if minimum else "") for label_id, minimum in wanted]
        terms += [f"-{self._name(label_id)}" for label_id in excluded or []]
        terms += [f"owner:{owner_name(owner)}"] if owner else []
        terms += [f"added:{first}..{last}"] if first else []
        rarest_first = tuple(sorted(wanted, key=lambda pair: self.counts[pair[0]]))
        return SearchCase(shape, " ".join(terms), rarest_first, tuple(excluded or ()), owner, first, last)

    def _name(self, label_id: int) -> str:
        return _quoted(words.name_of(label_id))

    def _below(self, minimum: int, end: int) -> int:
        return int(self._chance.integers(minimum, end))


SORTS = ("oldest", "taken", "confidence", "name", "size")
FACES = (
    *("smile", "smile age:20..30", "eyeglasses", "female age:60..90", "male happy", "surprised age:5..12"),
    *("angry eyeglasses", "sad", "age:88..94", "smile female eyeglasses happy age:30..31"),
)

BROAD = {
    "name:": ("name:x", "name:zebra", "name:999", "name:IMG_12", "name:x sort:size", "name:x TOP"),
    "taken:": ("taken:1990", "taken:2016-02", "taken:2024", "taken:1990 sort:taken", "taken:1990 sort:name"),
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
