"""The library's pages over HTTP, from the web server as `manage.py run` starts it, compressed as browsers get them."""

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
from bench.dataset import Loaded, environment
from bench.search.workload import SearchCase

WEB = ("imagelib.wsgi", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--no-control-socket")
MORE = re.compile(r'hx-get="([^"]*after=[^"]*)"')
LINKED = re.compile(r'<(?:link rel="stylesheet"\s+href|script[^>]*\ssrc)="([^"]+)"')
IMPORTED = re.compile(r'(?:from|import)\s*"([^"]+\.js)"')


@contextmanager
def serving(library: Loaded) -> Iterator[tuple[str, int]]:
    """The web alone, without worker and scheduler; yields its host and port."""
    library.library.manage("collectstatic", "--noinput", "--verbosity", "0")
    port = sandbox.free_port()
    command = [sys.executable, "-m", "gunicorn", *WEB, "--bind", f"127.0.0.1:{port}"]
    with sandbox.running_program(command, env=environment(library)) as program:
        for _ in range(2):  # workers
            program.wait_for("Booting worker", seconds=60)
        _wait_for_answer(port)
        yield "127.0.0.1", port


class Pages:
    """One client that keeps its connection, signed in."""

    def __init__(self, address: tuple[str, int], *, reader: int) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=60)
        self._more: dict[str, str] = {}
        self._headers = {"Accept-Encoding": "gzip", "Cookie": f"sessionid={session(reader)}"}

    def get(self, url: str, headers: dict[str, str] | None = None) -> bytes:
        self._connection.request("GET", url, headers={**self._headers, **(headers or {})})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{url} answers {answer.status}.")
        return content

    def whole(self, question: SearchCase) -> bytes:
        """The compressed page with cards, count and facets."""
        return self.get(f"/?{urllib.parse.urlencode({'q': question.text})}")

    def has_more(self, question: SearchCase) -> bool:
        return MORE.search(_text(self.whole(question))) is not None

    def more(self, question: SearchCase) -> bytes:
        """The next sixty cards, as the page asks for them."""
        if question.text not in self._more:
            found = MORE.search(_text(self.whole(question)))
            assert found
            self._more[question.text] = found[1].replace("&amp;", "&")
        return self.get(self._more[question.text], {"HX-Request": "true"})

    def assets(self) -> int:
        """Compressed bytes of all scripts and style sheets of the page, with the modules that they import."""
        seen: dict[str, int] = {}
        waiting = LINKED.findall(_text(self.get("/")))
        while waiting:
            url = waiting.pop()
            if url not in seen:
                content = self.get(url)
                seen[url] = len(content)
                waiting += [urllib.parse.urljoin(url, each) for each in IMPORTED.findall(_text(content))]
        return sum(seen.values())


def _text(content: bytes) -> str:
    is_compressed = content.startswith(b"\x1f\x8b")
    return (gzip.decompress(content) if is_compressed else content).decode()


def session(reader: int) -> str:
    """The key of a session that this person signed in to."""
    from django.conf import settings  # noqa: PLC0415
    from django.contrib.auth import get_user_model  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    client = Client()
    client.force_login(get_user_model().objects.get(pk=reader))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _wait_for_answer(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
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
