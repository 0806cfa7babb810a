"""Addresses for programs that watch the installation: health, readiness, metrics."""

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
    """The process responds; nothing else is checked."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 if pages can be served, else 503; what is wrong only for those who may know."""
    findings = readiness.current_findings()
    is_ready = all(finding.is_fine for finding in findings)
    body: dict[str, object] = {"status": "ready" if is_ready else "not ready"}
    if _is_watcher(request) or permissions.can_view_system(getattr(request, "user", AnonymousUser())):
        body["checks"] = [
            {"subject": row.subject, "state": row.state, "sentence": row.sentence, "next_step": row.next_step}
            for row in findings
        ]
    return JsonResponse(body, status=200 if is_ready else 503)


@login_not_required
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format. 404 unless the settings allow this sender."""
    if not _is_watcher(request):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    registry.register(gauges.Gauges())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


PROBES: dict[str, Handler] = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


def middleware(get_response: Handler) -> Handler:
    """Handles probes before anything checks their host, scheme or session.

    Orchestrators call a process by its address and without TLS, which ALLOWED_HOSTS and the redirect would refuse. A
    browser with a session continues, so that staff see what is wrong.
    """

    def with_probes(request: HttpRequest) -> HttpResponseBase:
        view = PROBES.get(request.path_info)
        if view is None or settings.SESSION_COOKIE_NAME in request.COOKIES:
            return get_response(request)
        try:
            return view(request)
        except Http404:
            return HttpResponse("Not found\n", status=404, content_type="text/plain; charset=utf-8")

    return with_probes


def _is_watcher(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return can_read_metrics(token=token.strip() if scheme.lower() == "bearer" else "", address=client_address(request))
