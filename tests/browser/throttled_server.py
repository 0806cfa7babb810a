"""A server with slow responses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import APIResponse, Page, Route

MOST = 100  # looks


@contextmanager
def held(page: Page, address: str | re.Pattern[str]) -> Iterator[None]:
    """The server handles the next request at once; the page gets it after the block."""
    answered: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        answered.append((route, route.fetch()))

    page.route(address, hold, times=1)
    yield
    for _ in range(MOST):
        if answered:
            break
        page.wait_for_timeout(50)
    route, answer = answered[0]
    route.fulfill(response=answer)
