"""Junk parameters and bodies for every address never cause a server error."""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from django.test import Client

from tests.web.shared_rows import *
from tests.web.test_every_url import address, our_patterns

pytestmark = pytest.mark.django_db

WEB = Path(__file__).resolve().parents[2] / "analysis/web"
READ = re.compile(r"""(?:GET|POST|FILES|said|asked)(?:\.get|\.getlist|)[([]["'](\w+)["']""")
NAMES = sorted({name for path in WEB.rglob("*.py") for name in READ.findall(path.read_text())} | {"next", "username"})
ROUTES = {pattern.name: pattern for pattern in our_patterns()}
JUNK = [
    *(b"", b"0", b"1", b"-1", b"9" * 18, b"9" * 19, b"9" * 400, b"1.5", b"1e400", b"nan", b"inf", b"true", b"on"),
    *(
        b"\x00",
        b"a\x00b",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"%",
        b"%s",
        b"{}",
        b"[]",
        b"{",
        b"null",
        b"' OR 1=1 --",
        b"<b>",
    ),
    *("９".encode(), "²".encode(), "🐕".encode() * 300, "\u202e".encode(), b"../../etc/passwd", b"a" * 3_000),
    *(
        b"dog",
        b"-dog",
        b"dog OR",
        b"(((",
        b"like:1",
        b"taken:0001",
        b"size>1e9",
        b"name:\\",
        b"count(dog)>=2",
        b"added:9999",
    ),
    *(
        b"2024-05-31",
        b"9999-12-31",
        b"0001-01-01",
        b"n1-1",
        b"s====-1",
        b"1-1",
        b"-9" * 9 + b"-1",
        b"year",
        b"all",
        b"labels",
    ),
]
HEADERS = [{}, {"HTTP_HX_REQUEST": "true"}, {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://[::1"}]
TYPES = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/json",
    "",
]
BODIES = [
    b"",
    b"\xff\xfe\x00",
    b"{",
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n\xff\xd8\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="files"; filename="\\\x00/../.."\r\nContent-Length: x\r\n\r\n',
    b'--x\r\nContent-Disposition: form-data; name="q"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--',
]
EACH = 3


def names_of(name: str) -> list[str]:
    """Parameters that the module of this address reads by name."""
    source = inspect.getsourcefile(inspect.unwrap(ROUTES[name].callback))
    return sorted(set(READ.findall(Path(source).read_text()))) or NAMES


def query(chance: random.Random, names: list[str]) -> str:
    """Some parameters that views read, with values they do not expect."""
    names = chance.choices(names, k=chance.randint(1, 6)) + chance.choices(NAMES, k=2)
    return "&".join(f"{name}={quote_from_bytes(chance.choice(JUNK))}" for name in names)


def requests(name: str, path: str, chance: random.Random) -> Iterator[tuple[str, str, bytes, str, dict[str, str]]]:
    form, names = TYPES[0], names_of(name)
    for _ in range(EACH):
        headers = chance.choice(HEADERS)
        yield "GET", f"{path}?{query(chance, names)}", b"", form, headers
        yield "POST", path, query(chance, names).encode(), form, headers
        yield "POST", f"{path}?{query(chance, names)}", chance.choice(BODIES), chance.choice(TYPES), headers
    yield chance.choice(["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"]), path, b"", form, {}


@pytest.mark.parametrize("name", ROUTES)
def test_junk_parameters_cause_no_server_error(image, staff, signed_in, settings, name):
    settings.SIGN_IN_ATTEMPTS = 0
    chance = random.Random(name)
    path = address(name, image)
    for person in (image.owner, staff, None):
        for method, url, body, kind, headers in requests(name, path, chance):
            browser = signed_in(person) if person else Client()
            answer = browser.generic(method, url, body, content_type=kind, **headers)
            b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert answer.status_code < 500, (method, url, body, kind, headers)


NOWHERE = [
    "images/{}/",
    "images/{}/history/",
    "searches/{}/",
    "alerts/{}/",
    "alerts/new/?search={}",
    "changes/{}/",
    "buckets/{}/",
    "bulk/{}/",
    "upload/files/{}/",
]


@pytest.mark.parametrize("path", NOWHERE)
@pytest.mark.parametrize("junk", [b"0", b"9" * 19, b"9" * 400, b"-1", b"\x00", b"\xff", b"a" * 3_000, "９".encode()])
def test_junk_ids_cause_no_server_error(image, signed_in, path, junk):
    url = f"/{path.format(quote_from_bytes(junk))}"
    for answer in (signed_in(image.owner).get(url), signed_in(image.owner).post(url)):
        assert answer.status_code < 500
