"""The threats of SECURITY.md have tests.

Here are those that belong to no one module.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from analysis.backup import restore
from analysis.backup.errors import BackupError
from analysis.backup.file_list import BackupEntry
from analysis.backup.location import StoredFile
from analysis.exports.picture_archives import UsedNames
from analysis.models import Image
from imagelib.accounts import api_tokens
from tests.factories import create_labeled_image, create_user
from tests.mcp_server.test_mcp import Session, token_text

ROOT = Path(__file__).resolve().parent.parent
LINE = re.compile(r"^\| (?P<threat>[^|]+) \| (?P<stop>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(?:\w+::)?(test_\w+)`")


def threats() -> list[re.Match[str]]:
    section = (ROOT / "SECURITY.md").read_text().partition("\n## Threats\n")[2].partition("\n## ")[0]
    return [line for line in LINE.finditer(section) if line["threat"] not in {"Threat", "---"}]


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests of a file, without those marked as skipped."""
    functions = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)]
    return frozenset(
        function.name
        for function in functions
        if not any("skip" in ast.unparse(mark) for mark in function.decorator_list)
    )


def test_every_threat_has_tests_that_exist() -> None:
    lines = threats()
    assert len(lines) >= 30
    for line in lines:
        named = NAMED.findall(line["tests"])
        assert len(named) == line["tests"].count("`") // 2 > 0, line["threat"]
        assert [f"{path}::{name}" for path, name in named if name not in names_in(path)] == []


def test_every_threat_is_named_once() -> None:
    names = [line["threat"] for line in threats()]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.django_db
def test_a_session_planted_before_sign_in_is_not_used() -> None:
    person = create_user("ada")
    person.set_password("right")
    person.save()
    victim, planted = Client(), Client()
    planted.get(reverse("login"))
    planted.cookies["sessionid"] = victim.cookies["sessionid"] = "x" * 32
    victim.post(reverse("login"), {"username": "ada", "password": "right"})
    assert victim.get(reverse("library")).status_code == 200
    assert victim.cookies["sessionid"].value != "x" * 32
    assert planted.get(reverse("library")).status_code == 302


@pytest.mark.django_db
def test_no_site_frames_a_page_or_guesses_its_type(nobody) -> None:
    page = nobody.get(reverse("login"))
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert (page["X-Frame-Options"], page["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert (page["Referrer-Policy"], page["Cross-Origin-Opener-Policy"]) == ("same-origin", "same-origin")


def views(patterns: list[URLPattern | URLResolver], prefix: str = ""):
    for pattern in patterns:
        path = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, path)
        else:
            yield path, pattern.callback


def test_forms_of_other_sites_are_refused_everywhere() -> None:
    exempt = {path for path, view in views(get_resolver().url_patterns) if getattr(view, "csrf_exempt", False)}
    # They take no cookie for an identity: a token in a header, or nobody's report.
    assert {path for path in exempt if not path.startswith("api/")} == {"csp-report/"}


@pytest.mark.django_db
def test_a_made_up_host_is_refused_and_never_written_into_mails(nobody, settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    create_user("owner", email="owner@example.org")
    assert nobody.get(reverse("login"), headers={"host": "evil.example"}).status_code == 400
    forged = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    nobody.post(reverse("password_reset"), {"email": "owner@example.org"}, headers=forged)
    (message,) = mail.outbox
    assert re.findall(r"https?://([^/\s]+)", message.body) == ["testserver"]


@pytest.mark.django_db
def test_tokens_are_stored_as_digests(owner) -> None:
    token, text = api_tokens.create(owner, name="Backup", scopes=["read"], days=30)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM accounts_apitoken t WHERE id = %s", [token.pk])
        ((row,),) = cursor.fetchall()
    assert (text in row, text.removeprefix("imagelib_") in row) == (False, False)


SQL = ("' OR '1'='1", "'; DROP TABLE analysis_image; --", "%", "_", "\\", "$$", "') OR (1=1", "*/ OR 1=1 /*")
FIELDS = (
    '"{}"',
    'name:"{}"',
    'text:"{}"',
    'camera:"{}"',
    'folder:"{}"',
    'bucket:"{}"',
    'owner:"{}"',
    'collection:"{}"',
)


@pytest.mark.django_db
def test_searches_never_become_sql(owner, colleague, signed_in) -> None:
    create_labeled_image(owner, {"Dog": 98}, filename="secret.jpg", visibility=Image.Visibility.PRIVATE)
    browser = signed_in(colleague)
    for text in SQL:
        query = " OR ".join(field.format(text.replace("\\", "\\\\")) for field in FIELDS)
        page = browser.get(reverse("library"), {"q": query})
        assert (page.status_code, "search-error-caret" in page.content.decode()) == (200, False), query
        assert "secret.jpg" not in page.content.decode(), query
    assert Image.objects.count() == 1


@pytest.mark.django_db
def test_tools_find_no_private_picture_of_others(owner, colleague) -> None:
    image = create_labeled_image(owner, {"Dog": 98}, filename="secret.jpg", visibility=Image.Visibility.PRIVATE)
    mine, theirs = Session(token_text(owner)), Session(token_text(colleague))
    assert [item["id"] for item in mine.values("search_images", query="dog")["items"]] == [image.pk]
    assert theirs.values("search_images", query="dog")["items"] == []
    assert "secret" not in theirs.refusal("get_image", image_id=image.pk)


class _Row:
    def __init__(self, filename: str) -> None:
        self.image = Image(pk=1, filename=filename)


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/cron.d/x", "...", "C:\\x.jpg", ""])
def test_archives_unpack_into_their_folder(name: str) -> None:
    entry = UsedNames().unique(_Row(name))  # type: ignore[arg-type]
    assert entry
    assert ("/" in entry, "\\" in entry, entry.startswith(".")) == (False, False, False)


@pytest.mark.parametrize("key", ["../../evil", "/etc/cron.d/evil", "originals/../../evil", "originals/a\0b"])
def test_a_backup_writes_nothing_outside_of_the_library(key: str) -> None:
    with pytest.raises(BackupError, match="invalid name"):
        list(restore._chunks(iter([BackupEntry(key, StoredFile(1, "0" * 64))])))
