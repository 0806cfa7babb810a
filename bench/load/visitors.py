"""Visitors who browse and search concurrently, in a separate process; prints JSON.

    python -m bench.load.visitors < plan.json

They request what browsers do: with a page its thumbnails, its timeline and, the first time, scripts and styles; while
typing, suggestions; with a picture's page, its neighbors' previews and the next page.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from urllib.parse import urlencode

from bench.load.http_client import Browser, Response
from bench.load.pages import Picture, Results, picture_of, results_of, searches_of
from bench.report import percentile

HTMX = {"HX-Request": "true"}
THUMB, PREVIEW, ASSET, SHOWN = "thumbnail", "preview", "script or style", "until all of a page is shown"
KEYSTROKES = 0.25  # seconds between requests for suggestions
NOT_COUNTED = (SHOWN,)
MAX_ERRORS = 20


@dataclass(frozen=True)
class Plan:
    """The people, their cookies and words; with a `think` of zero they never pause."""

    host: str
    port: int
    cookies: list[str]  # one for each person; "" for those not signed in
    queries: list[str]
    public_ids: list[str]  # pictures to which people without an account have a link
    arrive: float  # seconds in which they arrive, which are not counted
    seconds: float  # counted ones
    think: tuple[float, float]  # shortest and longest pause on a page, in seconds
    seed: int = 50


@dataclass(frozen=True)
class Kind:
    requests: int
    p50: float
    p95: float
    p99: float
    maximum: float


@dataclass
class Outcome:
    """Milliseconds by kind of request; while people arrive, only errors are counted."""

    seconds: float
    requests: int
    actions: int
    received: int  # bytes
    errors: list[str]
    error_count: int
    processor_seconds: float
    kinds: dict[str, Kind] = field(default_factory=dict)


class Log:
    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []
        self.counts: Counter[str] = Counter()
        self.begins_at = float("inf")

    def add(self, kind: str, began: float, response: Response | None = None) -> None:
        now = time.perf_counter()
        if began >= self.begins_at:
            self.times[kind].append(1_000 * (now - began))
            self.counts["bytes"] += len(response.body) if response else 0

    def fail(self, url: str, reason: object) -> None:
        self.counts["errors"] += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(f"{url}: {reason!r}")


class Visitor:
    """A visitor; the next action depends on the current page."""

    def __init__(self, number: int, plan: Plan, log: Log) -> None:
        self._plan, self._log = plan, log
        self._random = random.Random(f"{plan.seed} {number}")
        self.is_signed_in = bool(plan.cookies[number])
        self._browser = Browser((plan.host, plan.port), plan.cookies[number])
        self._cached: set[str] = set()  # URLs whose responses browsers cache forever
        self._results: Results | None = None
        self._picture: Picture | None = None
        self._links: dict[str, list[str]] = {}

    async def visit(self, arrives_after: float) -> None:
        """Browse until canceled."""
        await asyncio.sleep(arrives_after)
        while True:
            began = time.perf_counter()
            await self._next_action()()
            self._log.add(SHOWN, began)
            await asyncio.sleep(self._random.uniform(*self._plan.think))

    async def close(self) -> None:
        await self._browser.close()

    def _next_action(self) -> Callable[[], Awaitable[None]]:
        if not self.is_signed_in:
            return self._random.choices((self.open_public, self.open_sign_in), (9 * bool(self._plan.public_ids), 1))[0]
        if self._results is None or not self._results.pictures:
            return self.open_library if self._results is None else self.search
        actions: dict[Callable[[], Awaitable[None]], int] = {
            self.search: 25, self.open_picture: 20, self.open_facet: 10, self.open_library: 4, self.open_list: 6,
            self.open_month: 5, self.scroll: 30 if self._results.next_url else 0,
            self.open_next_picture: 12 if self._picture and self._picture.next_url else 0,
        }  # fmt: skip
        return self._random.choices(list(actions), list(actions.values()))[0]

    async def open_library(self) -> None:
        await self._open_results("library", "/", {})

    async def search(self) -> None:
        """Type words, with suggestions after some of the letters, and press Enter."""
        query = self._random.choice(self._plan.queries)
        for typed in (query[:2], query[: max(3, len(query) // 2)]):
            await self._get("suggestions", f"/autocomplete/?{urlencode({'q': typed, 'cursor': len(typed)})}", HTMX)
            await asyncio.sleep(KEYSTROKES if self._plan.think[1] else 0)
        await self._open_results("search", f"/?{urlencode({'q': query})}", HTMX)

    async def scroll(self) -> None:
        assert self._results
        facets = self._results.facets  # stay next to the cards
        await self._open_results("next cards", self._results.next_url, HTMX)
        if self._results:
            self._results.facets.extend(facets)

    async def open_facet(self) -> None:
        assert self._results
        facets = self._results.facets
        await (self._open_results("facet", self._random.choice(facets), HTMX) if facets else self.open_library())

    async def open_month(self) -> None:
        """Click on a month in the timeline."""
        months = self._links.get("timeline", [])
        await (self._open_results("month", self._random.choice(months), HTMX) if months else self.search())

    async def open_list(self) -> None:
        """Open the list of labels or folders, and one of them."""
        name, url = self._random.choice((("labels", "/labels/"), ("folders", "/folders/")))
        response = await self._get(name, url)
        if response and (links := [link for link in searches_of(response.text) if "q=" in link]):
            await self._pause()
            await self._open_results("search", self._random.choice(links), {})

    async def open_picture(self) -> None:
        assert self._results
        await self._open_picture(self._random.choice(self._results.pictures))

    async def open_next_picture(self) -> None:
        assert self._picture
        await self._open_picture(self._picture.next_url)

    async def open_public(self) -> None:
        response = await self._get("public picture", f"/public/{self._random.choice(self._plan.public_ids)}/")
        if response:
            await self._load(PREVIEW, [picture_of(response.text).preview])

    async def open_sign_in(self) -> None:
        await self._get("sign-in", "/accounts/login/")

    async def _open_picture(self, url: str) -> None:
        response = await self._get("picture", url)
        if response is None:
            return
        self._picture = picture_of(response.text)
        others = self._load(PREVIEW, [self._picture.preview, *self._picture.preloaded])
        if self._picture.next_url:
            await asyncio.gather(others, self._get("picture, ahead", self._picture.next_url, {"X-Prefetch": "1"}))
        else:
            await others

    async def _open_results(self, kind: str, url: str, headers: dict[str, str]) -> None:
        response = await self._get(kind, url, headers)
        if response is None:
            return
        self._results = results_of(response.text)
        if self._results.failed:
            self._log.fail(url, "the search failed")
        await asyncio.gather(
            self._load(ASSET, self._results.assets),
            self._load(THUMB, self._results.thumbs),
            self._load_timeline(self._results.timeline_url),
        )

    async def _load_timeline(self, url: str) -> None:
        if url and (response := await self._get("timeline", url, HTMX)):
            self._links["timeline"] = searches_of(response.text)

    async def _load(self, kind: str, urls: Iterable[str]) -> None:
        """Load the URLs that are not in the browser's cache."""
        new = [url for url in urls if url and url not in self._cached]
        self._cached.update(new)
        await asyncio.gather(*(self._get(kind, url) for url in new))

    async def _get(self, kind: str, url: str, headers: dict[str, str] | None = None) -> Response | None:
        request = self._browser.request(url, headers)
        async with self._browser.connection() as connection:
            began = time.perf_counter()
            try:
                response = await connection.get(request)
            except (OSError, EOFError, TimeoutError) as error:
                self._log.fail(url, error)
                return None
            self._log.add(kind, began, response)
        if response.status != 200:
            self._log.fail(url, response.status)
            return None
        return response

    async def _pause(self) -> None:
        await asyncio.sleep(self._random.uniform(*self._plan.think))


async def browse(plan: Plan) -> Outcome:
    log, count = Log(), len(plan.cookies)
    people = [Visitor(number, plan, log) for number in range(count)]
    tasks = [asyncio.create_task(person.visit(plan.arrive * n / count)) for n, person in enumerate(people)]
    # A visit ends by an error only, which ends the measurement, too.
    await asyncio.wait(tasks, timeout=plan.arrive, return_when=asyncio.FIRST_EXCEPTION)
    log.begins_at, processor_began = time.perf_counter(), time.process_time()
    await asyncio.wait(tasks, timeout=plan.seconds, return_when=asyncio.FIRST_EXCEPTION)
    seconds, processor = time.perf_counter() - log.begins_at, time.process_time() - processor_began
    await _leave(tasks, people)
    return _outcome(log, seconds, processor)


async def _leave(tasks: Sequence[asyncio.Task[None]], people: Sequence[Visitor]) -> None:
    """End the visits, and raise any error that ended one early."""
    ended = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for person in people:
        await person.close()
    for task in ended:
        task.result()


def _outcome(log: Log, seconds: float, processor: float) -> Outcome:
    kinds = {kind: _kind(times) for kind, times in sorted(log.times.items())}
    requests = sum(kind.requests for name, kind in kinds.items() if name not in NOT_COUNTED)
    actions = kinds[SHOWN].requests if SHOWN in kinds else 0
    errors = log.counts["errors"]
    return Outcome(seconds, requests, actions, log.counts["bytes"], log.errors, errors, processor, kinds)


def _kind(times: Sequence[float]) -> Kind:
    p50, p95, p99 = (percentile(times, share) for share in (0.5, 0.95, 0.99))
    return Kind(len(times), p50, p95, p99, max(times))


if __name__ == "__main__":
    plan = Plan(**json.load(sys.stdin))
    print(json.dumps(asdict(asyncio.run(browse(plan)))))
