"""Polling of cards on a page, until none has a pending analysis."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.web.http import Request, id_list_param
from analysis.web.library.cards import Card

STOP_POLLING = 286  # the status at which htmx ends `hx-trigger="every …"`
MAX_POLLED_CARDS = 200


class PolledCards:
    """The cards that a page asks for as `card=id-version`; at most MAX_POLLED_CARDS."""

    def __init__(self, request: Request) -> None:
        texts = request.GET.getlist("card")
        self.versions = id_list_param(texts, maximum=MAX_POLLED_CARDS)
        self._has_more = len(texts) > MAX_POLLED_CARDS

    def changed(self, cards: Iterable[Card]) -> list[Card]:
        return [card for card in cards if card.version != self.versions[int(card.id)]]

    def are_pending(self, cards: Iterable[Card]) -> bool:
        """True if the page must ask again; cards beyond the maximum may be pending."""
        return self._has_more or any(card.is_pending for card in cards)
