"""Library pages over HTTP, compressed as for browsers."""

from __future__ import annotations

import gzip
import http.client
import re
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

from bench import sandbox
from bench.dataset import LoadedLibrary, environment
from bench.search.workload import SearchCase

WEB = ("imagelib.wsgi", "--config", "gunicorn.conf.py", "--no-control-socket")  # as `manage.py run` starts it
NEXT_URL = re.compile(r'hx-get="([^"]*after=[^"]*)"')
MONTH_URL = re.compile(r'href="([^"]*after=[^"]*)"')
PREVIOUS_URL = re.compile(r'data-url="([^"]*before=[^"]*)"')
ASSET_URL = re.compile(r'<(?:link rel="stylesheet"\s+href|script[^>]*\ssrc)="([^"]+)"')
IMPORT_URL = re.compile(r'(?:from|import)\s*"([^"]+\.js)"')


@contextmanager
def serving(library: LoadedLibrary) -> Iterator[tuple[str, int]]:
    """Run the web server without worker and scheduler; yields its host and port."""
    library.library.manage("collectstatic", "--noinput", "--verbosity", "0")
    port = sandbox.free_port()
    command = [sys.executable, "-m", "gunicorn", *WEB, "--bind", f"127.0.0.1:{port}"]
    with sandbox.running_program(command, env=environment(library)) as program:
        for _ in range(2):  # workers
            program.wait_for("Booting worker", seconds=60)
        program.discard_output()
        wait_for_response(port)
        yield "127.0.0.1", port


class Pages:
    """A signed-in client with one connection."""

    def __init__(self, address: tuple[str, int], *, user_id: int) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=60)
        self._next_urls: dict[str, str] = {}
        self._jump_urls: dict[str, str] = {}
        self._previous_urls: dict[str, str] = {}
        self._headers = {"Accept-Encoding": "gzip", "Cookie": f"sessionid={session_key(user_id)}"}

    def get(self, url: str, headers: dict[str, str] | None = None) -> bytes:
        self._connection.request("GET", url, headers={**self._headers, **(headers or {})})
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"{url} returned status {response.status}.")
        return content

    def page(self, case: SearchCase) -> bytes:
        """The compressed page with cards, count and facets."""
        return self.get(f"/?{urllib.parse.urlencode({'q': case.text})}")

    def has_more(self, case: SearchCase) -> bool:
        return NEXT_URL.search(_text(self.page(case))) is not None

    def next_cards(self, case: SearchCase) -> bytes:
        """The next sixty cards, as htmx requests them."""
        if case.text not in self._next_urls:
            match = NEXT_URL.search(_text(self.page(case)))
            assert match
            self._next_urls[case.text] = match[1].replace("&amp;", "&")
        return self.get(self._next_urls[case.text], {"HX-Request": "true"})

    def timeline(self, case: SearchCase) -> bytes:
        """The months of the result."""
        return self.get(f"/timeline/?{urllib.parse.urlencode({'q': case.text})}")

    def has_months(self, case: SearchCase) -> bool:
        return MONTH_URL.search(_text(self.timeline(case))) is not None

    def jump(self, case: SearchCase) -> bytes:
        """The result from its middle month on."""
        if case.text not in self._jump_urls:
            urls = MONTH_URL.findall(_text(self.timeline(case)))
            self._jump_urls[case.text] = urls[len(urls) // 2].replace("&amp;", "&")
        return self.get(self._jump_urls[case.text], {"HX-Request": "true", "HX-Target": "shown-pictures"})

    def page_before(self, case: SearchCase) -> bytes:
        """The sixty cards before those that a jump leads to."""
        if case.text not in self._previous_urls:
            match = PREVIOUS_URL.search(_text(self.jump(case)))
            assert match
            self._previous_urls[case.text] = match[1].replace("&amp;", "&")
        return self.get(self._previous_urls[case.text], {"HX-Request": "true"})

    def asset_bytes(self) -> int:
        """Compressed bytes of the library page's scripts and style sheets."""
        sizes: dict[str, int] = {}
        pending = ASSET_URL.findall(_text(self.get("/")))
        while pending:
            url = pending.pop()
            if url not in sizes:
                content = self.get(url)
                sizes[url] = len(content)
                pending += [urllib.parse.urljoin(url, path) for path in IMPORT_URL.findall(_text(content))]
        return sum(sizes.values())


def _text(content: bytes) -> str:
    is_compressed = content.startswith(b"\x1f\x8b")
    return (gzip.decompress(content) if is_compressed else content).decode()


def session_key(user_id: int) -> str:
    """Session key of a new sign-in of this user."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client()
    client.force_login(get_user_model().objects.get(pk=user_id))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def wait_for_response(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/accounts/login/")
            connection.getresponse().read()
        except ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
