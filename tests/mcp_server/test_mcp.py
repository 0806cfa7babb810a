"""The Model Context Protocol, with the SDK's own client and without it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from analysis import pipeline
from analysis.mcp_server import stdio
from analysis.mcp_server.calls import TOOLS
from analysis.models import Batch, Label, SavedSearch, Verdict
from imagelib.accounts import api_tokens
from imagelib.accounts.models import ApiToken
from tests import pictures
from tests.factories import create_image, create_labeled_image, create_user

ROOT = Path(__file__).resolve().parents[2]
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ALL = ("read", "write", "analyze")


def token_text(person, *, scopes=ALL, limit=Decimal("0.0001")) -> str:
    return api_tokens.create(person, name="Model", scopes=scopes, days=1, spending_limit=limit)[1]


class Session:
    """Calls tools as a client without the network: one POST for each call."""

    def __init__(self, text: str) -> None:
        self.text = text

    def post(self, body, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.text}", "Accept": "application/json, text/event-stream"} | headers
        return Browser().generic("POST", "/api/mcp", content, content_type="application/json", headers=headers)

    def call(self, name, /, **arguments):
        body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        response = self.post(body)
        assert response.status_code == 200, response.content
        return json.loads(response.content)["result"]

    def values(self, name, /, **arguments):
        result = self.call(name, **arguments)
        assert not result.get("isError"), result
        return result["structuredContent"]

    def refusal(self, name, /, **arguments) -> str:
        result = self.call(name, **arguments)
        assert result["isError"], result
        return result["content"][0]["text"]


@pytest.fixture
def image(owner):
    return create_labeled_image(owner, {"Dog": 98.5, "Cat": 60.0}, filename="dog.jpg")


@pytest.fixture
def session(owner):
    return Session(token_text(owner))


async def use(client: Client) -> dict[str, object]:
    """List the tools, search, and ask for a run that costs too much."""
    tools = await client.list_tools()
    search = await client.call_tool("search_images", {"query": "dog>=90"})
    spent = await client.call_tool("start_analysis", {"q": "dog", "key": "run-1", "budget": "5.00"})
    return {"tools": {tool.name for tool in tools.tools}, "search": search, "spent": spent}


def check(seen) -> None:
    assert seen["tools"] == set(TOOLS)
    [image] = seen["search"].structured_content["items"]
    assert (image["filename"], image["labels"][0]["name"]) == ("dog.jpg", "Dog")
    assert seen["spent"].is_error
    assert "this token can only spend $0.00 more" in seen["spent"].content[0].text
    assert not Batch.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_over_http_searches_and_is_refused_to_spend_over_its_limit(mode, live_server):
    owner = create_user("owner")
    create_labeled_image(owner, {"Dog": 98.5}, filename="dog.jpg")
    text = token_text(owner)

    async def over_http():
        headers = {"Authorization": f"Bearer {text}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
            transport = streamable_http_client(f"{live_server.url}/api/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                return await use(client)

    check(asyncio.run(over_http()))


def command(text: str) -> dict[str, object]:
    """`manage.py mcp` on the database of this test."""
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?host={quote(database['HOST'])}"
    environment = {
        **os.environ, "IMAGELIB_ENV_FILE": os.devnull, "DATABASE_URL": url, "REDIS_URL": settings.REDIS_URL,
        "IMAGELIB_TOKEN": text,
    }  # fmt: skip
    return {"command": sys.executable, "args": ["manage.py", "mcp"], "env": environment, "cwd": str(ROOT)}


def revoke_all() -> None:
    ApiToken.objects.update(revoked_at=timezone.now())
    connection.close()  # of the thread that asyncio runs this in


@pytest.mark.django_db(transaction=True)
def test_a_client_over_stdio_searches_and_is_refused_to_spend_over_its_limit():
    owner = create_user("owner")
    create_labeled_image(owner, {"Dog": 98.5}, filename="dog.jpg")
    text = token_text(owner)

    async def over_stdio():
        async with Client(StdioServerParameters(**command(text))) as client:
            seen = await use(client)
            await sync_to_async(revoke_all)()
            return seen, await client.call_tool("search_images", {"query": "dog"})

    seen, after_revocation = asyncio.run(over_stdio())
    check(seen)
    assert after_revocation.is_error
    assert "revoked" in after_revocation.content[0].text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("site", "address"),
    [
        ("", "http://localhost/images/1/"),
        ("http://localhost:8000", "http://localhost:8000/images/1/"),
        ("https://pictures.example.org:8443/", "https://pictures.example.org:8443/images/1/"),
        ("https://elsewhere.example", "http://localhost/images/1/"),
    ],
)
def test_addresses_over_stdio_are_those_of_the_site(site, address, owner, settings):
    settings.SITE_URL, settings.ALLOWED_HOSTS = site, ["localhost", "pictures.example.org"]
    assert stdio._request(token_text(owner)).build_absolute_uri("/images/1/") == address


def test_stdio_needs_a_valid_token(monkeypatch, db):
    monkeypatch.setenv("IMAGELIB_TOKEN", "imagelib_wrong")
    with pytest.raises(CommandError, match="IMAGELIB_TOKEN"):
        call_command("mcp")


@pytest.mark.django_db
class TestTools:
    """Each tool over HTTP, and what it refuses."""

    def test_explain_names_the_labels_of_words(self, session, image):
        explanation = session.values("explain_search", query="dogs -cat")
        assert explanation["words_read_as"] == [{"typed": "dogs", "searched_as": '"Dog"'}]
        assert (len(explanation["terms"]), explanation["count"]) == (2, 0)
        assert session.values("describe_search")["examples"]

    def test_pages_go_on_at_the_cursor(self, session, owner):
        for number in range(3):
            create_labeled_image(owner, {"Dog": 90.0}, filename=f"{number}.jpg")
        first = session.values("search_images", query="dog", limit=2)
        second = session.values("search_images", query="dog", limit=2, cursor=first["next"])
        assert len({item["id"] for item in first["items"] + second["items"]}) == 3
        assert "cursor" in session.refusal("search_images", query="dog", cursor=first["next"] + "x")

    def test_an_image_comes_with_labels_and_on_request_with_a_preview(self, session, owner):
        image = pipeline.ingest_file(
            io.BytesIO(pictures.encoded(pictures.photo(), "jpeg")), name="beach.jpg", owner_id=owner.pk
        ).image
        assert session.values("get_image", image_id=image.pk)["filename"] == "beach.jpg"
        _text, picture = session.call("get_image", image_id=image.pk, preview=True)["content"]
        assert picture["mimeType"].startswith("image/")
        assert base64.b64decode(picture["data"])

    def test_key_of_a_lost_original_is_not_told(self, owner, colleague):
        image = create_image(owner, visibility=1)
        refusal = Session(token_text(colleague)).refusal("get_image", image_id=image.pk, preview=True)
        assert ("cannot be shown" in refusal, image.key in refusal) == (True, False)

    def test_another_persons_picture_is_not_there(self, image, colleague):
        other = Session(token_text(colleague))
        for name, arguments in (("get_image", {}), ("correct_labels", {"add": ["Mine"], "apply": True})):
            assert "Not found" in other.refusal(name, image_id=image.pk, **arguments)
        assert other.values("search_images", query="dog")["items"] == []
        assert not Verdict.objects.exists()

    def test_corrections_are_proposals_until_applied(self, session, image):
        cat = Label.objects.get(name="Cat")
        correction = {"image_id": image.pk, "reject": [cat.pk], "add": ["Holiday"]}
        proposed = session.values("correct_labels", **correction)
        assert [label["name"] for label in proposed["after"]] == ["Holiday", "Dog"]
        assert not Verdict.objects.exists()
        assert not Label.objects.filter(name="Holiday").exists()
        applied = session.values("correct_labels", **correction, apply=True)
        assert applied["after"][1:] == proposed["after"][1:]
        assert set(Verdict.objects.values_list("decision", flat=True)) == {"rejected", "added"}

    def test_half_a_correction_is_none(self, session, image):
        dog = Label.objects.get(name="Dog")
        session.refusal("correct_labels", image_id=image.pk, confirm=[dog.pk], reject=[dog.pk + 1000], apply=True)
        assert not Verdict.objects.exists()

    def test_scopes_hold(self, owner, image):
        reader = Session(token_text(owner, scopes=["read"], limit=None))
        assert "“write”" in reader.refusal("correct_labels", image_id=image.pk, add=["Holiday"], apply=True)
        assert "“analyze”" in reader.refusal("start_analysis", q="dog", key="run-1")
        assert not reader.values("correct_labels", image_id=image.pk, add=["Holiday"])["is_applied"]
        writer = Session(token_text(owner, scopes=["write"], limit=None))
        assert "“read”" in writer.refusal("search_images", query="dog")

    def test_a_run_within_the_limit_starts_once(self, owner, image):
        session = Session(token_text(owner, limit=Decimal(1)))
        estimate = session.values("estimate_analysis", q="dog")
        assert estimate["images"] == 1
        runs = [session.values("start_analysis", q="dog", key="run-1", budget="0.50") for _ in range(2)]
        assert runs[0]["id"] == runs[1]["id"] == Batch.objects.get().pk
        assert session.values("get_analysis_run", batch_id=runs[0]["id"])["budget"] in {"0.50", "0.500000"}
        assert "can only spend" in session.refusal("start_analysis", q="dog", key="run-2", budget="0.60")

    def test_labels_are_found_and_browsed(self, session, image, owner):
        SavedSearch.objects.create(owner=owner, name="Dogs", query="dog")
        Label.objects.update(image_count=1)
        assert [label["name"] for label in session.values("find_labels", name="do")["items"]] == ["Dog"]
        assert session.values("browse_labels")["items"] == []
        assert session.values("list_saved_searches")["items"][0]["query"] == "dog"

    @pytest.mark.parametrize(
        ("name", "arguments", "part"),
        [
            ("delete_everything", {}, "There is no tool"),
            ("search_images", {"limit": "5"}, "limit"),
            ("search_images", {"limit": 500}, "limit"),
            ("search_images", {"serch": "dog"}, "serch"),
            ("search_images", {"query": "(dog"}, "Unclosed"),
            ("get_image", {}, "image_id"),
            ("get_image", {"image_id": True}, "image_id"),
            ("get_image", {"image_id": 10**30}, "image_id"),
            ("correct_labels", {"image_id": 1}, "at least one"),
            ("start_analysis", {"q": "dog"}, "key"),
        ],
    )
    def test_bad_arguments_get_a_sentence(self, name, arguments, part, session, db):
        assert part in session.refusal(name, **arguments)

    def test_a_bug_is_logged_and_not_told(self, session, caplog):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE analysis_savedsearch RENAME TO renamed")
        text = session.refusal("list_saved_searches")
        assert text == "imagelib failed to run this tool. See its log."
        assert "analysis_savedsearch" in caplog.text


@pytest.mark.django_db
class TestAddress:
    """Token, Origin and limits, before any tool."""

    @pytest.mark.parametrize("change", [{"expires_at": timezone.now() - timedelta(seconds=1)}, {"digest": "0" * 64}])
    def test_a_bad_token_opens_nothing(self, change, session):
        ApiToken.objects.update(**change)
        response = session.post(PING)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
        assert session.post(PING, Authorization="").status_code == 401

    @pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff", b"", b'{"jsonrpc": "2.0"}'])
    def test_broken_json_is_an_error_of_the_caller(self, body, session):
        assert session.post(body).status_code == 400

    def test_pages_of_other_sites_are_refused_unless_named(self, session, settings):
        assert session.post(PING, Origin="https://elsewhere.example").status_code == 403
        assert session.post(PING, Origin="http://testserver").status_code == 200
        settings.CORS_ALLOWED_ORIGINS = ["https://elsewhere.example"]
        assert session.post(PING, Origin="https://elsewhere.example").status_code == 200

    def test_pages_of_named_sites_may_send_the_headers_of_the_protocol(self, settings, db):
        settings.CORS_ALLOWED_ORIGINS = ["https://elsewhere.example"]
        headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
        allowed = Browser().options("/api/mcp", headers=headers)["Access-Control-Allow-Headers"].split(", ")
        assert {"authorization", "mcp-protocol-version", "mcp-method", "mcp-name"} <= set(allowed)

    def test_rate_size_and_method_are_limited(self, session, settings):
        assert session.post(b" " * 10_000_000).status_code == 413
        assert Browser().get("/api/mcp").status_code == 405
        settings.API_REQUESTS_PER_MINUTE = 1
        responses = [session.post(PING) for _ in range(3)]  # a minute may end in between
        assert 429 in {response.status_code for response in responses}
        assert responses[0]["RateLimit-Limit"] == "1"
