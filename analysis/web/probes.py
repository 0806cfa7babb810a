"""Endpoints for monitoring: health, readiness, metrics."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from analysis import permissions
from analysis.health import gauges, readiness
from analysis.permissions.monitoring import can_read_metrics
from analysis.web.http import client_address

Handler = Callable[[HttpRequest], HttpResponseBase]


@login_not_required
@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """Liveness probe: the process responds; nothing else is checked."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Readiness probe: 200 if pages can be served, else 503; details need permission."""
    findings = readiness.current_findings()
    is_ready = all(finding.is_fine for finding in findings)
    body: dict[str, object] = {"status": "ready" if is_ready else "not ready"}
    if _is_monitoring(request) or permissions.can_view_system(getattr(request, "user", AnonymousUser())):
        body["checks"] = [
            {"subject": row.subject, "state": row.state, "sentence": row.sentence, "next_step": row.next_step}
            for row in findings
        ]
    return JsonResponse(body, status=200 if is_ready else 503)


@login_not_required
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Metrics in Prometheus' text format. 404 unless the settings allow this client."""
    if not _is_monitoring(request):
        raise Http404
    # Not the default registry, which has metrics of this process alone.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(gauges.Gauges())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


PROBES: dict[str, Handler] = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


def middleware(get_response: Handler) -> Handler:
    """Handles probes before anything checks their host, scheme or session.

    Orchestrators call a process by its IP address and without TLS, which ALLOWED_HOSTS and the HTTPS redirect would
    refuse. Requests with a session continue to the views, so that staff see the details.
    """

    def with_probes(request: HttpRequest) -> HttpResponseBase:
        view = PROBES.get(request.path_info)
        if view is None or settings.SESSION_COOKIE_NAME in request.COOKIES:
            return get_response(request)
        try:
            return view(request)
        except Http404:
            # As text: the 404 page needs middleware that has not run yet.
            return HttpResponse("Not found\n", status=404, content_type="text/plain; charset=utf-8")

    return with_probes


def _is_monitoring(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return can_read_metrics(token=token.strip() if scheme.lower() == "bearer" else "", address=client_address(request))
