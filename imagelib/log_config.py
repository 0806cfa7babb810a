"""Django's LOGGING: one line per record to standard error, as JSON or text."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping, Sequence
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from structlog.typing import Processor

from imagelib.log_redaction import Redactor

FORMATS = ("json", "console")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")  # logging also knows other names of these
# Not among the settings, since boto3 reads them from the environment.
SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
# The fields that log calls may add by `extra`; others are dropped, since Django's own extras hold whole requests.
EXTRA_FIELDS = (
    *("analysis_id", "analysis_ids", "image_id", "image_ids", "status_code", "violations"),
    *("method", "path", "status", "bytes", "duration_ms", "address", "user_agent", "request_id", "user_id"),
)
_LINE_FIELDS = frozenset({"timestamp", "level", "logger", "event", "exception", "stack"})


def log_format(name: str, *, is_debug: bool) -> str:
    """The log format: LOG_FORMAT, by default text on a terminal and JSON elsewhere."""
    chosen = name or ("console" if is_debug or sys.stderr.isatty() else "json")
    if chosen not in FORMATS:
        raise ImproperlyConfigured(f"LOG_FORMAT is {name!r}. Set it to one of: {', '.join(FORMATS)}.")
    return chosen


def log_level(name: str) -> str:
    """The level of LOG_LEVEL, in any case. Raises ImproperlyConfigured."""
    if (level := name.upper()) not in logging.getLevelNamesMapping():
        raise ImproperlyConfigured(f"LOG_LEVEL is {name!r}. Set it to one of: {', '.join(LEVELS)}.")
    return level


def log_config(level: str, *, format_name: str, secrets: Sequence[str] = ()) -> dict[str, Any]:
    line = {"()": formatter, "format_name": format_name, "secrets": list(secrets)}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        # At INFO, botocore logs where it found credentials each time, and mcp three lines for each request.
        "loggers": {"botocore": {"level": "WARNING"}, "mcp": {"level": "WARNING"}},
        "root": {"handlers": ["console"], "level": level},
    }


def formatter(*, format_name: str, secrets: Sequence[str] = ()) -> structlog.stdlib.ProcessorFormatter:
    """Formatter for records of `logging`, from libraries as well as our own."""
    collect: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=EXTRA_FIELDS),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    write: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        # After every processor that adds text, and before the line is rendered.
        Redactor(secrets),
        structlog.processors.JSONRenderer(ensure_ascii=False) if format_name == "json" else _line,
    ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=collect, processors=write)


def _line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    fields = "".join(f" {name}={value}" for name, value in event.items() if name not in _LINE_FIELDS)
    text = f"{event['timestamp']} {event['level'].upper()} {event['logger']}: {event['event']}{fields}"
    return "\n".join([text, *(str(event[name]) for name in ("exception", "stack") if event.get(name))])
