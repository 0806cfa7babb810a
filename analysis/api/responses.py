"""Responses of the API: JSON with ETag and Location."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.utils.http import quote_etag
from ninja.responses import NinjaJSONEncoder


def json_response(content: Any, *, status: int = 200, location: str = "", etag: str = "") -> HttpResponse:
    """The content as JSON; `etag` is unquoted."""
    response = HttpResponse(
        json.dumps(content, cls=NinjaJSONEncoder), status=status, content_type="application/json; charset=utf-8"
    )
    if location:
        response["Location"] = location
    if etag:
        response["ETag"] = quote_etag(etag)
    return response
