"""Receiver of browsers' reports about violations of the Content-Security-Policy."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from analysis.metrics.counters import count_csp_report
from analysis.web.attempt_limits import Attempts

logger = logging.getLogger(__name__)

MAX_BYTES = 16 * 1024
MAX_REPORTS = 10
MAX_LENGTH = 200
# Requests a minute, from one network and from everywhere. A broken page causes a report for each of its elements.
MAX_PER_NETWORK, MAX_TOTAL = 30, 600
# The field names of both formats: the Reporting API's, and those of report-uri.
_FIELDS = {
    "directive": ("effectiveDirective", "effective-directive", "violated-directive"),
    "page": ("documentURL", "document-uri"),
    "blocked": ("blockedURL", "blocked-uri"),
    "source": ("sourceFile", "source-file"),
    "line": ("lineNumber", "line-number"),
}


# Browsers send reports without a CSRF token.
@csrf_exempt
@login_not_required
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Log and count reported violations.

    Anyone can send a report, so no part of it is trusted.
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BYTES:
        return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    limit = Attempts("csp report", request, account="browser", maximum=MAX_PER_NETWORK, total=MAX_TOTAL, seconds=60)
    if wait := limit.seconds_to_wait():
        return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": str(wait)})
    violations = list(_violations(request.body))
    if not violations:
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    limit.count()
    for violation in violations:
        count_csp_report(str(violation.get("directive", "")))
    logger.warning("Content-Security-Policy violated: %d", len(violations), extra={"violations": violations})
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _violations(body: bytes) -> Iterator[dict[str, str | int]]:
    """The first violations in a body, with the few fields that help to find the cause."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):  # RecursionError: deeply nested JSON
        return
    for report in (parsed if isinstance(parsed, list) else [parsed])[:MAX_REPORTS]:
        content = (report.get("csp-report") or report.get("body")) if isinstance(report, dict) else None
        if isinstance(content, dict) and (fields := dict(_fields(content))):
            yield fields


def _fields(content: dict[str, Any]) -> Iterator[tuple[str, str | int]]:
    for name, keys in _FIELDS.items():
        value = next((content[key] for key in keys if content.get(key)), None)
        if name == "line" and isinstance(value, int):
            yield name, value
        elif name == "directive" and isinstance(value, str):
            yield name, (value.split() or [""])[0][:MAX_LENGTH]
        elif isinstance(value, str):
            yield name, _address(value)


def _address(text: str) -> str:
    """The URL without its query, which may contain a search or grant access."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    if not parts.netloc:
        return (parts.scheme or parts.path)[:MAX_LENGTH]  # inline, eval, data, a path
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:MAX_LENGTH]
