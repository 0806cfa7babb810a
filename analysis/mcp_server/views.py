"""The endpoint of the Model Context Protocol: token, Origin, rate limit."""

from __future__ import annotations

from urllib.parse import urlsplit

from corsheaders.conf import conf as cors
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from analysis.api import errors
from analysis.api.authentication import check_rate, rate_headers, token_of
from analysis.api.errors import ApiError


# No CSRF check is needed: forms on other sites cannot send the Authorization header, and cookies are ignored below
# /api/.
@login_not_required
@csrf_exempt
def mcp(request: HttpRequest) -> HttpResponse:
    """One message of a client, with a JSON response."""
    try:
        response = _checked(request)
    except ApiError as error:
        response = errors.response_of(error)
    for name, value in rate_headers(request).items():
        response[name] = value
    response["Cache-Control"] = "private, no-store"
    return response


def _checked(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        # The specified response of a server without server-sent messages and sessions.
        raise ApiError(405, _("Send messages by POST."), headers={"Allow": "POST"})
    _require_origin(request)
    check_rate(request, token_of(request))
    # Imported on the first message, since the SDK takes half a second that other requests should not spend.
    from analysis.mcp_server.http import respond

    return respond(request)


def _require_origin(request: HttpRequest) -> None:
    """Raise ApiError for a page of a site that is not allowed.

    The specification requires the check against DNS rebinding: a name that resolves to 127.0.0.1 would reach a server
    on this machine.
    """
    origin = request.headers.get("Origin", "")
    if origin and urlsplit(origin).netloc != request.get_host() and origin not in cors.CORS_ALLOWED_ORIGINS:
        message = _("Pages from this origin can't call the server. To allow them, add it to CORS_ALLOWED_ORIGINS.")
        raise ApiError(403, message)
