"""Browsers' reports: logged in few words, bounded, and trusted in nothing."""

from __future__ import annotations

import json
import logging

import pytest
from django.test import Client

from analysis.web import csp_reports
from analysis.web.attempt_limits import redis_client

URL = "/csp-report/"
OLD = {
    "csp-report": {
        "document-uri": "https://pictures.example.org/?query=birthday",
        "violated-directive": "img-src 'self'",
        "blocked-uri": "https://me:hush@evil.example/a.png?X-Amz-Signature=abc",
        "source-file": "https://pictures.example.org/static/a.js",
        "line-number": 7,
        "original-policy": "default-src 'none'",
    }
}
NEW = {
    "type": "csp-violation",
    "body": {
        "effectiveDirective": "script-src-elem",
        "documentURL": "https://pictures.example.org/",
        "blockedURL": "inline",
    },
}


@pytest.fixture(autouse=True)
def _no_reports_before():
    for key in redis_client().scan_iter("csp report:*"):
        redis_client().delete(key)


def send(body: object, *, client: Client | None = None, address: str = "198.51.100.1"):
    text = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return (client or Client(enforce_csrf_checks=True)).post(
        URL, text, content_type="application/csp-report", REMOTE_ADDR=address
    )


@pytest.mark.parametrize(
    ("body", "violations"),
    [
        (
            OLD,
            [
                {
                    "directive": "img-src",
                    "page": "https://pictures.example.org/",
                    "blocked": "https://evil.example/a.png",
                    "source": "https://pictures.example.org/static/a.js",
                    "line": 7,
                }
            ],
        ),
        (
            [NEW, {"type": "other"}, NEW],
            [{"directive": "script-src-elem", "page": "https://pictures.example.org/", "blocked": "inline"}] * 2,
        ),
        (
            [NEW] * 50,
            [{"directive": "script-src-elem", "page": "https://pictures.example.org/", "blocked": "inline"}] * 10,
        ),
        ({"csp-report": {"violated-directive": "x" * 999, "blocked-uri": ["y"]}}, [{"directive": "x" * 200}]),
        ({"csp-report": {"blocked-uri": "https://[bad"}}, [{"blocked": ""}]),
    ],
    ids=["report-uri", "report-to", "too many", "too long", "no address"],
)
def test_reports_become_one_line(caplog, body: object, violations: list) -> None:
    caplog.set_level(logging.WARNING)
    response = send(body)
    assert (response.status_code, response.content) == (204, b"")
    (record,) = [record for record in caplog.records if record.name == csp_reports.__name__]
    assert (record.getMessage(), record.violations) == (
        f"Content-Security-Policy violated: {len(violations)}",
        violations,
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"text"', b'{"csp-report": 3}', b"[" * 9_000, b"\xff\xfe"], ids=range(8)
)
def test_what_is_no_report_is_refused_without_a_line(caplog, body: bytes) -> None:
    assert send(body).status_code == 400
    assert [record for record in caplog.records if record.name == csp_reports.__name__] == []


def test_large_reports_are_not_read() -> None:
    assert send(b" " * (csp_reports.MAX_BYTES + 1)).status_code == 413


def test_a_network_sends_few_a_minute(monkeypatch) -> None:
    monkeypatch.setattr(csp_reports, "MAX_PER_NETWORK", 2)
    assert [send(OLD).status_code for _ in range(3)] == [204, 204, 429]
    assert send(OLD, address="203.0.113.5").status_code == 204


@pytest.mark.django_db
def test_policy_names_the_address(nobody) -> None:
    response = nobody.get("/accounts/login/")
    directives = response["Content-Security-Policy"].split("; ")
    assert {"report-uri /csp-report/", "report-to csp"} <= set(directives)
    assert response["Reporting-Endpoints"] == 'csp="/csp-report/"'
