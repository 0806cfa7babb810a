"""The client and the people of the bench `load`, against a server of a few lines."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict

import pytest

from bench import sandbox
from bench.load import servers
from bench.load.http_client import Browser, Response
from bench.load.pages import Picture, Results, picture_of, results_of, searches_of
from bench.load.usage import Usage
from bench.load.visitors import SHOWN, Outcome, Plan, browse
from tests.factories import create_image, create_user

NOBODY = ("127.0.0.1", 9)
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
NO_BODY = b"HTTP/1.1 304 Not Modified\r\nETag: a\r\n\r\n"
CLOSES = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
PACKED = gzip.compress(b"hello")
GZIP = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(PACKED), PACKED)


def served(answer: bytes, use: Callable[[tuple[str, int]], Awaitable[object]], *, requests: int = 100) -> object:
    """Run `use` with a server that closes connections after some requests."""

    connections: list[asyncio.Task[None]] = []

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            for _ in range(requests):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
        writer.close()
        await asyncio.sleep(0)

    async def run() -> object:
        async with await asyncio.start_server(answered, "127.0.0.1") as server:
            result = await use(server.sockets[0].getsockname())
        await asyncio.gather(*connections)
        return result

    return asyncio.run(run())


@pytest.mark.parametrize("requests", [100, 1])
@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [(LENGTH, 200, "hello"), (CHUNKED, 200, "hello"), (NO_BODY, 304, ""), (CLOSES, 200, "hello"), (GZIP, 200, "hello")],
    ids=["length", "chunked", "no body", "closes", "gzip"],
)
def test_client_reads_answers_one_after_another(answer, status, text, requests):
    async def use(address: tuple[str, int]) -> list[Response]:
        browser = Browser(address, "sessionid=x")
        async with browser.connection() as connection:
            responses = [await connection.get(browser.request("/")) for _ in range(3)]
        await browser.close()
        return responses

    responses = served(answer, use, requests=requests)
    assert [(response.status, response.text) for response in responses] == [(status, text)] * 3


def test_people_are_counted_and_their_errors():
    plan = Plan(*NOBODY, cookies=[""], queries=["cat"], public_ids=[], arrive=0, seconds=0.2, think=(0.01, 0.01))
    refused = asyncio.run(browse(plan))
    assert (refused.requests, refused.error_count > 0) == (0, True)

    async def use(address: tuple[str, int]) -> Outcome:
        return await browse(Plan(*address, ["", "sessionid=x"], ["cat"], ["id"], 0, 0.2, (0.0, 0.0)))

    outcome = served(LENGTH, use)
    assert (outcome.error_count, outcome.errors) == (0, [])
    assert outcome.requests == sum(kind.requests for name, kind in outcome.kinds.items() if name != SHOWN) > 2
    assert outcome.received == 5 * outcome.requests
    assert {"public picture", "suggestions", "search"} <= outcome.kinds.keys()


@pytest.mark.django_db
def test_addresses_of_the_pages_are_found(client):
    owner = create_user()
    images = [create_image(owner) for _ in range(2)]
    client.force_login(owner)
    results = results_of(client.get("/").content.decode())
    assert isinstance(results, Results)
    assert results.pictures == [image.get_absolute_url() for image in reversed(images)]
    assert [url.partition("?")[0] for url in results.thumbs] == [f"{url}renditions/thumb" for url in results.pictures]
    assert (results.failed, results.next_url, results.timeline_url) == (False, "", "")
    more = '<timeline-scrubber data-url="/timeline/?q=a"></timeline-scrubber><div hx-get="/?after=1&amp;page=2">'
    assert (results_of(more).timeline_url, results_of(more).next_url) == ("/timeline/?q=a", "/?after=1&page=2")
    assert "/?q=is%3Afavorite" in results.facets
    assert results_of(client.get("/?q=(").content.decode()).failed
    picture = picture_of(client.get(results.pictures[0]).content.decode())
    assert isinstance(picture, Picture)
    assert picture.preview.partition("?")[0] == f"{results.pictures[0]}renditions/preview"
    assert picture.next_url.partition("?")[0] == results.pictures[1]
    assert [url.partition("?")[0] for url in picture.preloaded] == [f"{results.pictures[1]}renditions/preview"]
    assert searches_of('<a href="/?q=a&amp;x=1">') == ["/?q=a&x=1"]


def test_memory_at_a_moment_is_the_median_before_it():
    usage = Usage(memory=[(0, 10), (41, 1), (50, 2), (60, 9), (90, 5)])
    assert (usage.memory_at(60), usage.memory_at(90), usage.memory_at(30)) == (2, 5, 5)


def test_missing_nginx_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(servers, "PROGRAMS", ())
    with pytest.raises(servers.NginxMissing, match="apt-get install --no-install-recommends nginx-light"):
        servers.nginx_program()


def test_people_run_in_a_process_of_their_own():
    plan = Plan(*NOBODY, [""], ["cat"], [], 0, 0.05, (0.01, 0.01))
    output = subprocess.run(
        [sys.executable, "-m", "bench.load.visitors"],
        cwd=sandbox.ROOT, input=json.dumps(asdict(plan)), capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    assert json.loads(output)["requests"] == 0
