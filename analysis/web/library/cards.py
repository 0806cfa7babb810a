"""A picture as one card of the library, and how its analyses stand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from analysis.models import Analysis, Image, Viewer
from analysis.search.database import fetch_all
from analysis.web import links
from analysis.web.aspect_ratios import ratio_class

BEST = 3

QUEUED, RUNNING, DONE, FAILED, PAUSED = Analysis.State.values


@dataclass(frozen=True)
class Badge:
    kind: str
    icon: str
    words: str


BADGES = {
    QUEUED: Badge(QUEUED, "clock", "Queued"),
    RUNNING: Badge(RUNNING, "scan", "Analyzing"),
    FAILED: Badge(FAILED, "alert", "Failed"),
    PAUSED: Badge(PAUSED, "clock", "Paused"),
    Image.Visibility.SHARED: Badge("open", "people", "Shared"),
    Image.Visibility.PUBLIC: Badge("open", "globe", "Public"),
}
FAVORITE = Badge("favorite", "heart", "Favorite")
SENSITIVE = Badge("sensitive", "eye-off", "Sensitive")


@dataclass(frozen=True)
class Card:
    id: str
    url: str
    thumb: str
    placeholder: str
    alt: str
    ratio: str
    name: str
    labels: tuple[str, ...]
    state: str
    badges: tuple[Badge, ...]
    is_blurred: bool

    @property
    def is_open(self) -> bool:
        return self.state in {QUEUED, RUNNING}

    @property
    def version(self) -> str:
        """Differs when the card looks different: a page names it to be told of changes only."""
        return f"{self.state}{len(self.labels)}{'s' if SENSITIVE in self.badges else ''}"


def cards(
    images: Sequence[Image],
    *,
    query: links.Query | None = None,
    viewer: Viewer | None = None,
    saved: str = "",
    sensitive: Collection[int] = (),
    veils: bool = True,
) -> list[Card]:
    """Cards of these pictures; their links lead back to the query and the `saved` search it is.

    With the favorites of whom they are for; those that are `sensitive` are told so, and veiled where `veils`.
    """
    ids = [image.pk for image in images]
    labels, states = best_labels(ids), states_of(ids)
    favorites = favorites_of(viewer, ids) if viewer else frozenset()
    return [
        _card(
            image,
            labels.get(image.pk, ()),
            state=states.get(image.pk, ""),
            url=links.image_url(image.pk, query, saved=saved),
            marks=[FAVORITE] * (image.pk in favorites) + [SENSITIVE] * (image.pk in sensitive),
            is_blurred=veils and image.pk in sensitive,
        )
        for image in images
    ]


def _card(
    image: Image, labels: tuple[str, ...], *, state: str, url: str, marks: Sequence[Badge], is_blurred: bool
) -> Card:
    return Card(
        id=str(image.pk),
        url=url,
        thumb=links.rendition_url(image, "thumb"),
        placeholder=links.data_uri(image.placeholder),
        alt=", ".join(labels) or str(image),
        ratio=ratio_class(image.width, image.height),
        name=str(image),
        labels=labels,
        state=state,
        badges=(*(BADGES[each] for each in (state, image.visibility) if each in BADGES), *marks),
        is_blurred=is_blurred,
    )


def favorites_of(viewer: Viewer, image_ids: Iterable[int]) -> frozenset[int]:
    text = "SELECT image_id FROM analysis_rating WHERE image_id = ANY(%s) AND person_id = %s AND is_favorite"
    return frozenset(image_id for (image_id,) in fetch_all(text, [list(image_ids), viewer.person_id]))


def states_of(image_ids: Iterable[int]) -> dict[int, str]:
    """One state for each picture that was ever asked about: under way before failed before done."""
    latest = fetch_all(
        """SELECT DISTINCT ON (image_id, api) image_id, state FROM analysis_analysis
           WHERE image_id = ANY(%s) AND NOT is_sample ORDER BY image_id, api, id DESC""",
        [list(image_ids)],
    )
    states: dict[int, set[str]] = {}
    for image_id, state in latest:
        states.setdefault(image_id, set()).add(state)
    return {image_id: state_of_all(found) for image_id, found in states.items()}


def state_of_all(states: Collection[str]) -> str:
    return next((state for state in (RUNNING, QUEUED, PAUSED, FAILED, DONE) if state in states), "")


def best_labels(image_ids: Iterable[int], *, maximum: int = BEST) -> dict[int, tuple[str, ...]]:
    """The names of the labels each picture carries with the most confidence."""
    found: dict[int, tuple[str, ...]] = {}
    rows = fetch_all(
        """
        SELECT image_id, name FROM (
            SELECT carried.image_id, label.name,
                   row_number() OVER (PARTITION BY carried.image_id ORDER BY confidence DESC, name) AS place
            FROM analysis_imagelabel carried JOIN analysis_label label ON label.id = carried.label_id
            WHERE carried.image_id = ANY(%s) AND NOT label.is_hidden AND label.kind NOT IN ('color', 'face')
        ) ranked WHERE place <= %s ORDER BY image_id, place
        """,
        [list(image_ids), maximum],
    )
    for image_id, name in rows:
        found[image_id] = (*found.get(image_id, ()), name)
    return found
