"""Errors reported to a Sentry server, in a separate process."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import imagelib
from imagelib.error_reports import Cleaner, start

ROOT = Path(__file__).resolve().parent.parent
SIGNED = "https://photos.s3.amazonaws.com/a.jpg?X-Amz-Signature=fe5f80f77d5f"
PROGRAM = """
import sys
import django
django.setup()
import sentry_sdk
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import path

def broken(request):
    secret = settings.SECRET_KEY
    raise ValueError(f"{settings.SECRET_KEY} opens %s")

urlpatterns = [path("broken/", broken)]
handler500 = lambda request: HttpResponse(status=500)
sys.modules["broken_urls"] = sys.modules["__main__"]
settings.ROOT_URLCONF, settings.ALLOWED_HOSTS, settings.MIDDLEWARE = "broken_urls", ["*"], []
requests = RequestFactory(headers={"Cookie": "sessionid=hush-hush"}, REMOTE_ADDR="203.0.113.9")
get_wsgi_application()(requests.get("/broken/?query=birthday").environ, lambda *_: None)
sentry_sdk.flush(20)
"""


@contextmanager
def sentry():
    """A server that keeps the envelopes that it receives."""
    received: list[bytes] = []

    class Envelopes(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Envelopes)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://public@127.0.0.1:{server.server_port}/1", received
    finally:
        server.shutdown()
        server.server_close()


def report_an_error(tmp_path: Path, **variables: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "imagelib.settings",
        "IMAGELIB_ENV_FILE": os.devnull,
        "IMAGELIB_VAR": str(tmp_path / "var"),
        "SECRET_KEY": "sesame-open-sesame",
    }
    program = [sys.executable, "-c", PROGRAM % SIGNED]
    done = subprocess.run(
        program, env=environment | variables, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_an_error_is_reported_without_what_belongs_to_people(tmp_path) -> None:
    with sentry() as (dsn, received):
        report_an_error(tmp_path, SENTRY_DSN=dsn, SENTRY_ENVIRONMENT="staging")
    (event,) = [
        json.loads(line)
        for envelope in received
        for line in envelope.splitlines()
        if b'"exception"' in line and b'"values"' in line
    ]
    assert (event["release"], event["environment"]) == (f"imagelib@{imagelib.__version__}", "staging")
    assert event["request"] == {"method": "GET", "url": "http://testserver/broken/"}
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", "[redacted] opens https://photos.s3.amazonaws.com/a.jpg")
    assert error["stacktrace"]["frames"][-1]["function"] == "broken"
    whole = json.dumps(event)
    for secret in ("sesame", "hush-hush", "birthday", "203.0.113.9", "X-Amz"):
        assert secret not in whole


def test_without_a_dsn_nothing_is_imported() -> None:
    start(dsn="", environment="production", traces_sample_rate=1.0, secrets=[])
    assert "sentry_sdk" not in sys.modules


@pytest.mark.parametrize(
    ("breadcrumb", "cleaned"),
    [
        ({"category": "query", "message": "SELECT 'birthday'"}, None),
        (
            {"category": "httplib", "data": {"url": SIGNED, "http.query": "q=birthday", "status_code": 200}},
            {"category": "httplib", "data": {"url": "https://photos.s3.amazonaws.com/a.jpg", "status_code": 200}},
        ),
    ],
)
def test_breadcrumbs_have_no_queries(breadcrumb: dict, cleaned: dict | None) -> None:
    assert Cleaner([]).breadcrumb(breadcrumb, {}) == cleaned


def test_transactions_have_no_statements() -> None:
    event = {
        "transaction": "/images/{image_id}/",
        "user": {"id": "7", "ip_address": "203.0.113.9"},
        "spans": [{"op": "db.sql.execute", "description": "SELECT 'birthday'", "data": {"db.query.text": "x", "n": 1}}],
    }
    assert Cleaner([]).event(event, {}) == {
        "transaction": "/images/{image_id}/",
        "spans": [{"op": "db.sql.execute", "description": "SQL", "data": {"n": 1}}],
    }
