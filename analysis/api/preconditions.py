"""ETags, `If-Match` and `If-None-Match` (RFC 9110, section 13.1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
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
    if header and header.strip() != "*" and quote_etag(etag) not in parse_etags(header):
        raise ApiError(412, _("It has changed since you read it. Read it again, then repeat your change."))


def is_unchanged(request: HttpRequest, etag: str) -> bool:
    header = request.headers.get("If-None-Match", "")
    return bool(header) and quote_etag(etag) in parse_etags(header)
