"""Labels and analysis states of the pictures of one list page, in two queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analysis.admin.display import EMPTY
from analysis.models import Analysis, Image
from analysis.search.database import fetch_all
from analysis.web.library.cards import best_labels

SYMBOLS = {Analysis.State.DONE: "✓", Analysis.State.FAILED: "✕"}
MAX_CODES = 2


@dataclass(frozen=True)
class ApiState:
    """The latest analysis of one API; `code` is empty unless it failed."""

    api: str
    state: str
    code: str


@dataclass(frozen=True)
class ImageFacts:
    labels: tuple[str, ...] = ()
    states: tuple[ApiState, ...] = ()

    @property
    def failed(self) -> list[ApiState]:
        return [state for state in self.states if state.state == Analysis.State.FAILED]


def facts_of(image_ids: Sequence[int]) -> dict[int, ImageFacts]:
    labels, states = best_labels(image_ids), _states_of(image_ids)
    return {image_id: ImageFacts(labels.get(image_id, ()), tuple(states.get(image_id, ()))) for image_id in image_ids}


def _states_of(image_ids: Iterable[int]) -> dict[int, list[ApiState]]:
    latest = fetch_all(
        """SELECT DISTINCT ON (image_id, api) image_id, api, state, error_code FROM analysis_analysis
           WHERE image_id = ANY(%s) AND NOT is_sample ORDER BY image_id, api, id DESC""",
        [list(image_ids)],
    )
    order = {api: number for number, api in enumerate(Analysis.Api.values)}
    states: dict[int, list[ApiState]] = {}
    for image_id, api, state, code in sorted(latest, key=lambda row: order.get(row[1], len(order))):
        states.setdefault(image_id, []).append(ApiState(api, state, code))
    return states


def labels_column(facts: ImageFacts) -> str:
    return ", ".join(facts.labels) or EMPTY


def analyzed_column(facts: ImageFacts) -> SafeString | str:
    """✓ for each API with a result, else its state."""
    if not facts.states:
        return _("Not analyzed")
    return format_html(
        '<ul class="api-states">{}</ul>',
        format_html_join(
            "",
            '<li class="{}"><span title="{}">{}</span> {}</li>',
            ((state.state, _state_name(state), _symbol(state), _api_name(state)) for state in facts.states),
        ),
    )


def failures_column(image: Image, facts: ImageFacts) -> SafeString | str:
    """APIs whose latest analysis failed, with error codes and a link to retry."""
    if not facts.failed:
        return EMPTY
    codes = list(dict.fromkeys(state.code for state in facts.failed))
    text = ", ".join(codes[:MAX_CODES]) + (" …" if len(codes) > MAX_CODES else "")
    address = reverse("history", args=[image.pk])
    return format_html(
        '<a class="link failure-link" href="{}"><strong>{}</strong> {}</a>', address, len(facts.failed), text
    )


def _symbol(state: ApiState) -> str:
    return SYMBOLS.get(Analysis.State(state.state)) or f"{_state_name(state)}:"


def _state_name(state: ApiState) -> str:
    return str(Analysis.State(state.state).label)


def _api_name(state: ApiState) -> str:
    return str(Analysis.Api(state.api).label)
