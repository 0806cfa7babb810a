"""Django's LOGGING: one line per record, to standard error."""

from __future__ import annotations

from typing import Any


def log_config(level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        # At INFO botocore logs where it found credentials, and mcp three lines, each time.
        "loggers": {"botocore": {"level": "WARNING"}, "mcp": {"level": "WARNING"}},
        "root": {"handlers": ["console"], "level": level},
    }
