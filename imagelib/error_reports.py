"""Error reports to Sentry, without personal data.

Off without SENTRY_DSN.
"""

from __future__ import annotations

import re
from typing import Any

from imagelib import __version__
from imagelib.log_redaction import Redactor

# The only parts of a request that are sent: no headers, cookies, bodies, environment or queries.
REQUEST_FIELDS = ("method", "url")
_QUERY = re.compile(r"\?[^\s\"'<>]+")
_SQL = ("query", "db")


def start(*, dsn: str, environment: str, traces_sample_rate: float, secrets: list[str]) -> None:
    """Start reporting errors; does and imports nothing without a DSN."""
    if not dsn:
        return
    import sentry_sdk  # noqa: PLC0415 - it loads a hundred modules, which most do not need

    cleaner = Cleaner(secrets)
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=f"imagelib@{__version__}",
        traces_sample_rate=traces_sample_rate,
        send_default_pii=False,
        # Sent by default: passwords, searches and parts of files may be in them.
        include_local_variables=False,
        max_request_body_size="never",
        before_send=cleaner.event,
        before_send_transaction=cleaner.event,
        before_breadcrumb=cleaner.breadcrumb,
    )


class Cleaner:
    """Removes secrets, presigned URLs, searches and personal data from events."""

    def __init__(self, secrets: list[str]) -> None:
        self._redactor = Redactor(secrets)

    def event(self, event: Any, _hint: Any) -> Any:
        event.pop("user", None)
        event.pop("server_name", None)
        if request := event.get("request"):
            event["request"] = {name: request[name] for name in REQUEST_FIELDS if name in request}
        for span in event.get("spans") or []:
            span["data"] = {name: value for name, value in span.get("data", {}).items() if "query" not in name}
            if str(span.get("op", "")).startswith(_SQL):
                span["description"] = "SQL"
        return self._without_queries(self._redactor.value(event))

    def breadcrumb(self, breadcrumb: Any, _hint: Any) -> Any:
        """Drop breadcrumbs with SQL, which may contain searches; None drops one."""
        if str(breadcrumb.get("category", "")).startswith(_SQL):
            return None
        data = breadcrumb.get("data") or {}
        breadcrumb["data"] = {name: value for name, value in data.items() if "query" not in name}
        return self._without_queries(self._redactor.value(breadcrumb))

    def _without_queries(self, value: Any) -> Any:
        match value:
            case str():
                return _QUERY.sub("", value)
            case dict():
                return {name: self._without_queries(item) for name, item in value.items()}
            case list():
                return [self._without_queries(item) for item in value]
        return value
