"""ETags, `If-Match` and `If-None-Match` (RFC 9110, section 13.1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags, quote_etag
from django.utils.translation import gettext as _
from ninja.responses import NinjaJSONEncoder

from analysis.api.errors import ApiError

VOLATILE = frozenset({"urls"})
"""Fields that change without the resource: signed URLs."""


def etag_of(resource: Mapping[str, Any]) -> str:
    """A strong ETag of a resource's present values."""
    stable = {name: value for name, value in resource.items() if name not in VOLATILE}
    text = json.dumps(stable, cls=NinjaJSONEncoder, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def require_match(request: HttpRequest, etag: str) -> None:
    """Raises ApiError 412 if the caller has seen an older state than the present one."""
    header = request.headers.get("If-Match", "")
    if header and not _has(header, etag):
        raise ApiError(412, _("It was changed after you read it. Read it again, then repeat your change."))


def is_unchanged(request: HttpRequest, etag: str) -> bool:
    header = request.headers.get("If-None-Match", "")
    return bool(header) and _has(header, etag)


def not_modified(etag: str) -> HttpResponse:
    """The response to a caller that has this state already."""
    return HttpResponse(status=304, headers={"ETag": quote_etag(etag)})


def _has(header: str, etag: str) -> bool:
    """True if the header lists the ETag, or is `*`."""
    # Compared without W/, which compression adds: GZipMiddleware here, or a proxy in front. The digest is of the
    # resource's values, so the compressed response is of the same state.
    return bool({"*", quote_etag(etag)} & {tag.removeprefix("W/") for tag in parse_etags(header)})
