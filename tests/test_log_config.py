"""Log lines as JSON and as text, with what they are joined by."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from structlog.contextvars import bound_contextvars, clear_contextvars

from imagelib import log_config

SECRET = "sesame-open-sesame"


@pytest.fixture(autouse=True)
def outside_requests():
    """Tests before may have made requests, whose ids stay bound until the next one."""
    clear_contextvars()


def line(format_name: str, message: str, *args: object, exc_info=None, **extra: object) -> str:
    record = logging.getLogger("analysis.example").makeRecord(
        "analysis.example", logging.WARNING, __file__, 1, message, args, exc_info, extra=extra
    )
    return log_config.formatter(format_name=format_name, secrets=[SECRET]).format(record)


def test_json_line_has_the_message_and_what_it_is_joined_by() -> None:
    with bound_contextvars(request_id="request-1", user_id=7, task="sweep", task_id="t-1", analysis_id=3, image_id=4):
        fields = json.loads(line("json", "bucket %s is paused: %s", "photos", f"the key is {SECRET}", status_code=404))
    assert fields.pop("timestamp").endswith("Z")
    assert fields == {
        "event": "bucket photos is paused: the key is [redacted]",
        "level": "warning",
        "logger": "analysis.example",
        "request_id": "request-1",
        "user_id": 7,
        "task": "sweep",
        "task_id": "t-1",
        "analysis_id": 3,
        "image_id": 4,
        "status_code": 404,
    }


def test_text_line_reads_as_before_and_ends_with_what_it_is_joined_by() -> None:
    with bound_contextvars(request_id="request-1"):
        text = line("console", "%d results wait", 2, image_ids=[1, 2])
    assert text.partition(" ")[2] == ("WARNING analysis.example: 2 results wait request_id=request-1 image_ids=[1, 2]")


@pytest.mark.parametrize("format_name", log_config.FORMATS)
def test_exceptions_are_one_record_without_secrets(format_name: str) -> None:
    try:
        raise ValueError(f"postgresql://me:{SECRET}@db\nand a second line")
    except ValueError:
        text = line(format_name, "failed", exc_info=sys.exc_info(), request={"COOKIES": SECRET})
    assert SECRET not in text
    assert "ValueError: postgresql://db" in text
    assert "request" not in text.partition("Traceback")[0]
    if format_name == "json":
        assert json.loads(text)["exception"].splitlines()[-1] == "and a second line"


@pytest.mark.parametrize(
    ("name", "is_debug", "chosen"), [("json", True, "json"), ("console", False, "console"), ("", True, "console")]
)
def test_format_follows_the_setting_then_debug(name: str, is_debug: bool, chosen: str) -> None:
    assert log_config.log_format(name, is_debug=is_debug) == chosen


def test_programs_get_json(monkeypatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert log_config.log_format("", is_debug=False) == "json"


def test_unknown_format_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"LOG_FORMAT is 'xml'. Set it to one of: json, console"):
        log_config.log_format("xml", is_debug=False)
