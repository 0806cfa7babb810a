"""The access log: one JSON object per request, without the query."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from imagelib import access_log

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/s/0Jc2-d_gY8Wk9n3rTq/",
    "QUERY_STRING": "q=birthday",
    "RAW_URI": "/s/0Jc2-d_gY8Wk9n3rTq/?q=birthday",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "203.0.113.9",
    "HTTP_USER_AGENT": "curl/8",
    "HTTP_COOKIE": "sessionid=hush",
    "imagelib.user_id": 7,
}
RESPONSE = SimpleNamespace(status="200 OK", sent=512, headers=[("X-Request-ID", "request-1")])


@pytest.fixture
def log(monkeypatch):
    """Makes a logger of this format, and takes Gunicorn's handlers away afterwards."""
    made = []

    def make(format_name: str, **options: str):
        monkeypatch.setattr(access_log, "LOG_FORMAT", format_name)
        configuration = Config()
        for name, value in options.items():
            configuration.set(name, value)
        made.append(access_log.Logger(configuration))
        return made[-1]

    yield make
    for logger in made:
        for log in (logger.error_log, logger.access_log):
            log.handlers.clear()
            log.propagate = True


def test_a_request_is_one_object(log, capsys) -> None:
    log("json").access(RESPONSE, None, ENVIRON, timedelta(milliseconds=12.5))
    fields = json.loads(capsys.readouterr().out)
    assert fields.pop("timestamp").endswith("Z")
    assert fields == {
        "event": "GET /s/[redacted]/ 200",
        "logger": "gunicorn.access",
        "level": "info",
        "method": "GET",
        "path": "/s/[redacted]/",
        "status": 200,
        "bytes": 512,
        "duration_ms": 12.5,
        "address": "203.0.113.9",
        "user_agent": "curl/8",
        "request_id": "request-1",
        "user_id": 7,
    }


def test_own_messages_have_the_same_form(log, capsys) -> None:
    log("json").warning("Out of file descriptors; not accepting connections: %s", "none")
    fields = json.loads(capsys.readouterr().err)
    assert (fields["logger"], fields["event"]) == (
        "gunicorn.error",
        "Out of file descriptors; not accepting connections: none",
    )


def test_people_get_no_access_log_unless_they_ask(log, capsys) -> None:
    log("console").access(RESPONSE, SimpleNamespace(headers=[]), ENVIRON, timedelta(seconds=1))
    assert capsys.readouterr().out == ""
    log("console", accesslog="-").access(RESPONSE, SimpleNamespace(headers=[]), ENVIRON, timedelta(seconds=1))
    assert '"GET /s/' in capsys.readouterr().out
