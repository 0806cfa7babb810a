"""The API's application: routers, error handling, OpenAPI document and URLs."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from analysis.api import (
    alerts,
    analyses,
    background_exports,
    batches,
    buckets,
    collections,
    duplicates,
    errors,
    exports,
    images,
    label_tree,
    labels,
    openapi,
    searches,
    share_links,
    sinks,
    status,
    tags,
    trash,
    uploads,
)
from analysis.api.authentication import rate_headers

View = Callable[..., HttpResponseBase]


class Api(NinjaAPI):
    """Ninja's API with our errors in its OpenAPI document."""

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        return openapi.with_problems(super().get_openapi_schema(**kwargs))


api = Api(
    title="imagelib",
    version="1",
    description="Search, label, upload and analyze the pictures of an imagelib library.",
    urls_namespace="api-v1",
)
errors.add_handlers(api)
routers = (
    images,
    trash,
    label_tree,
    labels,
    tags,
    analyses,
    batches,
    searches,
    duplicates,
    collections,
    share_links,
    alerts,
    exports,
    background_exports,
    uploads,
    buckets,
    sinks,
    status,
)
for module in routers:
    api.add_router("", module.router)


def _view(view: View) -> View:
    """Wrap a view: no session, every error a problem, rate limit headers."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Ninja ignores unknown parameters, so `?limt=5` would silently return the default number.
        unknown = _unknown_parameters(request)
        if unknown:
            message = _("Unknown parameter: %(names)s.") % {"names": ", ".join(unknown)[:200]}
            response: HttpResponseBase = errors.field_problem(422, unknown[0], message)
        else:
            response = view(request, *args, **kwargs)
        # Ninja responds to other methods itself, as text, without the exception handlers.
        if isinstance(response, HttpResponseNotAllowed):
            message = _("%(method)s is not supported here. Use %(allowed)s.")
            allowed = response["Allow"]
            response = errors.problem(
                405, message % {"method": request.method, "allowed": allowed}, headers={"Allow": allowed}
            )
        for name, value in rate_headers(request).items():
            response[name] = value
        # Set here, since the middleware PrivateCache recognizes users by their session, which the API does not have.
        response.setdefault("Cache-Control", "private, no-store")
        return response

    # No CSRF check is needed: forms on other sites cannot send the Authorization header, and cookies are ignored.
    return login_not_required(csrf_exempt(wrapped))


def _unknown_parameters(request: HttpRequest) -> list[str]:
    """Parameters that the operation does not have, such as misspelled ones."""
    route = request.resolver_match.route if request.resolver_match else ""
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
    known = _parameters().get((path, str(request.method).lower()))
    return [] if known is None else sorted(name for name in request.GET if name not in known)


# Once per process, since the document does not change and takes a tenth of a second to make.
@functools.cache
def _parameters() -> dict[tuple[str, str], frozenset[str]]:
    """Query parameters of each path and method."""
    return {
        (path, method): frozenset(entry["name"] for entry in operation["parameters"] if entry["in"] == "query")
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method, operation in operations.items()
    }


def _not_found(_request: HttpRequest) -> HttpResponseBase:
    return errors.problem(404, errors.not_found())


def _urlpatterns() -> list[URLPattern]:
    patterns = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern)]
    for pattern in patterns:
        # Ninja needs the root's name to reverse URLs, but there is no page at the root.
        pattern.callback = _view(_not_found if pattern.name == "api-root" else pattern.callback)
    # Without "$", so that URLs with a line break get the same response.
    return [*patterns, re_path(r"^", _view(_not_found), name="not-found")]


urlpatterns = (_urlpatterns(), "api-v1")
