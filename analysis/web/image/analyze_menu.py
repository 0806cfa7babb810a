"""Analyze menu of a picture: missing analyses, repeats, prices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.translation import gettext as _

from analysis import formatting, permissions
from analysis.models import Analysis, Image
from analysis.recognition import ledger, registry
from analysis.web.image.results_panel import PENDING_STATES


@dataclass(frozen=True)
class AnalyzeChoice:
    """An API in the menu; `is_again` if a result exists that a new one would replace."""

    api: str
    name: str
    note: str
    price: str
    is_again: bool
    is_pending: bool


@dataclass(frozen=True)
class AnalyzeMenu:
    missing: list[AnalyzeChoice]
    again: list[AnalyzeChoice]


def offered_apis(user: AbstractBaseUser | AnonymousUser) -> list[str]:
    """The enabled APIs; all of the recognizer's APIs for users who can choose."""
    supported = registry.current().apis
    offered = supported if permissions.can_choose_apis(user) else registry.enabled_apis()
    return [api for api in Analysis.Api.values if api in offered and api in supported]


def analyze_menu(
    image: Image, latest: Iterable[Analysis], *, user: AbstractBaseUser | AnonymousUser, now: datetime
) -> AnalyzeMenu | None:
    """The menu's choices for a picture.

    None if the user can't analyze it, or it is in the trash.
    """
    if image.trashed_at or not (permissions.can_edit_image(user, image) and permissions.can_analyze_images(user)):
        return None
    by_api = {analysis.api: analysis for analysis in latest}
    choices = [_choice(api, by_api.get(api), now=now) for api in offered_apis(user)]
    return AnalyzeMenu(
        missing=[choice for choice in choices if not choice.is_again],
        again=[choice for choice in choices if choice.is_again],
    )


def _choice(api: str, analysis: Analysis | None, *, now: datetime) -> AnalyzeChoice:
    is_pending = analysis is not None and analysis.state in PENDING_STATES
    is_done = analysis is not None and analysis.state == Analysis.State.DONE
    return AnalyzeChoice(
        api=api,
        name=str(Analysis.Api(api).label),
        note=_note(analysis, now=now),
        price="" if is_pending else _price(api),
        is_again=is_done,
        is_pending=is_pending,
    )


def _note(analysis: Analysis | None, *, now: datetime) -> str:
    if analysis is None:
        return _("not analyzed yet")
    if analysis.state == Analysis.State.DONE and analysis.finished_at:
        return _("analyzed %(ago)s") % {"ago": formatting.ago(analysis.finished_at, now=now)}
    return analysis.get_state_display()


def _price(api: str) -> str:
    """The current price of one call; empty for free recognizers."""
    recognizer = registry.current()
    if recognizer.region is None:
        return ""
    prices, already = ledger.current_prices(recognizer.name, recognizer.region)
    return formatting.dollars(prices.price(api, registry.parameters(api), already=already))
