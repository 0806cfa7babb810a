"""Cards of the library: thumbnail, labels, badges and analysis state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analysis.models import Analysis, Image, Viewer
from analysis.search.database import fetch_all
from analysis.search.pagination import UNDATED
from analysis.web import links
from analysis.web.aspect_ratios import ratio_class

LABELS_PER_CARD = 3

QUEUED, RUNNING, DONE, FAILED, PAUSED = Analysis.State.values


@dataclass(frozen=True)
class Badge:
    kind: str
    icon: str
    text: str | Promise


BADGES = {
    QUEUED: Badge(QUEUED, "clock", _("Queued")),
    RUNNING: Badge(RUNNING, "scan", _("Analyzing")),
    FAILED: Badge(FAILED, "alert", _("Failed")),
    PAUSED: Badge(PAUSED, "clock", _("Paused")),
    Image.Visibility.SHARED: Badge("open", "people", _("Shared")),
    Image.Visibility.PUBLIC: Badge("open", "globe", _("Public")),
}
FAVORITE = Badge("favorite", "heart", _("Favorite"))
SENSITIVE = Badge("sensitive", "eye-off", _("Sensitive"))


@dataclass(frozen=True)
class DateHeading:
    """A month or a day; `ids_url` returns the ids of all its pictures."""

    name: str
    ids_url: str
    is_day: bool
    ends_row: bool
    """Other cards come before the heading, so their row ends."""


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
    month: str = ""
    """Month in which it was taken, as `2024-05`; `0001-01` without a date."""
    headings: tuple[DateHeading, ...] = ()
    """Headings above the card, if it is the first of a month or day."""

    @property
    def is_pending(self) -> bool:
        return self.state in {QUEUED, RUNNING}

    @property
    def version(self) -> str:
        """A text that changes with the card's look; polls send it to get only changes."""
        # Not a hash of the HTML, which would have to be rendered only to find that nothing has changed.
        return f"{self.state}{len(self.labels)}{'s' if SENSITIVE in self.badges else ''}"


def cards(
    images: Sequence[Image],
    *,
    query: links.Query | None = None,
    viewer: Viewer | None = None,
    saved: str = "",
    sensitive: Collection[int] = (),
    blurs_sensitive: bool = True,
) -> list[Card]:
    """Cards whose links keep the query and the id of the `saved` search.

    They show favorites of the viewer, if given. Images in `sensitive` get a badge, and a blur if `blurs_sensitive`.
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
            extra_badges=[FAVORITE] * (image.pk in favorites) + [SENSITIVE] * (image.pk in sensitive),
            is_blurred=blurs_sensitive and image.pk in sensitive,
        )
        for image in images
    ]


def _card(
    image: Image, labels: tuple[str, ...], *, state: str, url: str, extra_badges: Sequence[Badge], is_blurred: bool
) -> Card:
    return Card(
        id=str(image.pk),
        url=url,
        thumb=links.rendition_url(image, "thumb"),
        placeholder=links.data_uri(image.placeholder),
        alt=", ".join(labels) or str(image),
        ratio=ratio_class(*image.shown_size),
        name=str(image),
        labels=labels,
        state=state,
        badges=(*(BADGES[key] for key in (state, image.visibility) if key in BADGES), *extra_badges),
        is_blurred=is_blurred,
        month=(image.taken_at or UNDATED).isoformat()[:7],  # not strftime, which writes year 1 as one digit
    )


# Plain SQL here and below: building these queries with the ORM takes longer than PostgreSQL takes to run them.
def favorites_of(viewer: Viewer, image_ids: Iterable[int]) -> frozenset[int]:
    text = "SELECT image_id FROM analysis_rating WHERE image_id = ANY(%s) AND person_id = %s AND is_favorite"
    return frozenset(image_id for (image_id,) in fetch_all(text, [list(image_ids), viewer.user_id]))


def states_of(image_ids: Iterable[int]) -> dict[int, str]:
    """The most urgent analysis state of each analyzed image."""
    # Results of a bulk run's test sample are stored, but do not change the picture's state.
    latest = fetch_all(
        """SELECT DISTINCT ON (image_id, api) image_id, state FROM analysis_analysis
           WHERE image_id = ANY(%s) AND NOT is_sample ORDER BY image_id, api, id DESC""",
        [list(image_ids)],
    )
    states: dict[int, set[str]] = {}
    for image_id, state in latest:
        states.setdefault(image_id, set()).add(state)
    return {image_id: most_urgent_state(api_states) for image_id, api_states in states.items()}


def most_urgent_state(states: Collection[str]) -> str:
    return next((state for state in (RUNNING, QUEUED, PAUSED, FAILED, DONE) if state in states), "")


def best_labels(image_ids: Iterable[int], *, maximum: int = LABELS_PER_CARD) -> dict[int, tuple[str, ...]]:
    """The labels with the highest confidence of each image."""
    # Colors and face attributes are poor captions.
    labels: dict[int, tuple[str, ...]] = {}
    rows = fetch_all(
        """
        SELECT image_id, name FROM (
            SELECT image_label.image_id, label.name,
                   row_number() OVER (PARTITION BY image_label.image_id ORDER BY confidence DESC, name) AS rank
            FROM analysis_imagelabel image_label JOIN analysis_label label ON label.id = image_label.label_id
            WHERE image_label.image_id = ANY(%s) AND NOT label.is_hidden AND label.kind NOT IN ('color', 'face')
        ) ranked WHERE rank <= %s ORDER BY image_id, rank
        """,
        [list(image_ids), maximum],
    )
    for image_id, name in rows:
        labels[image_id] = (*labels.get(image_id, ()), name)
    return labels
