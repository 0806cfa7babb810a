"""Middleware that counts requests and their durations, by view."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from analysis.metrics.counters import count_request

Handler = Callable[[HttpRequest], HttpResponseBase]
NO_VIEW = "none"
"""Static files, redirects to HTTPS and unknown URLs, which would make an unlimited number of label values."""


def middleware(get_response: Handler) -> Handler:
    """Goes near the top, to measure other middleware too. Disabled without metrics."""
    if not settings.METRICS_ENABLED:
        raise MiddlewareNotUsed

    def with_metrics(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else NO_VIEW
        seconds = time.perf_counter() - started
        count_request(view=view or NO_VIEW, method=request.method or "", status=response.status_code, seconds=seconds)
        return response

    return with_metrics
