"""Implements Idempotency-Key: a repeated request gets the response of the first."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis.api import errors
from analysis.api.authentication import check_rate
from analysis.api.errors import ApiError
from analysis.models import IdempotentRequest
from imagelib.accounts.models import ApiToken

HEADER = "Idempotency-Key"
MAX_KEY_LENGTH = 200
IN_PROGRESS = timedelta(minutes=1)
"""Time after which a request without a response counts as lost, and its key can be used again."""

Run = Callable[..., HttpResponse]


def idempotent(run: Run) -> Run:
    """Honor Idempotency-Key; for `decorate_view` on operations that create something."""

    @functools.wraps(run)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = request.headers.get(HEADER, "")
        token: ApiToken | None = getattr(request, "api_token", None)
        if not key or token is None:
            return run(request, *args, **kwargs)
        try:
            check_rate(request, token)  # also if the operation does not run
            row = _begin(request, token, key)
        except ApiError as error:
            return errors.response_of(error)
        return _stored_response(row) if row.status else _first_response(row, lambda: run(request, *args, **kwargs))

    return wrapped


def _first_response(row: IdempotentRequest, respond: Callable[[], HttpResponse]) -> HttpResponse:
    """Handle the request and keep its response.

    A rejected or failed request frees the key.
    """
    # Unless a repetition has taken the place of this request after IN_PROGRESS.
    own = IdempotentRequest.objects.filter(pk=row.pk, created_at=row.created_at)
    try:
        response = respond()
    except BaseException:  # including a worker's exit, since a row without response would block the key for IN_PROGRESS
        own.delete()
        raise
    # Nothing was created, so the key may be used again.
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        own.delete()
        return response
    own.update(status=response.status_code, body=bytes(response.content), location=response.get("Location", ""))
    return response


def _begin(request: HttpRequest, token: ApiToken, key: str) -> IdempotentRequest:
    """The row of this key. Raises ApiError if another request uses it."""
    if len(key) > MAX_KEY_LENGTH:
        raise ApiError(422, _("At most %(limit)s characters.") % {"limit": MAX_KEY_LENGTH}, field=HEADER)
    fingerprint = _fingerprint(request)
    # Committed before the request is handled, so that a concurrent one sees it. Not in one transaction with the
    # request, since a crash would roll back an upload's registered storage keys, and its files would never be found.
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(token=token, key=key, fingerprint=fingerprint)
    except IntegrityError:
        pass
    with transaction.atomic():
        row = IdempotentRequest.objects.select_for_update().filter(token=token, key=key).first()
        if row is None:
            raise ApiError(409, _("A request with this key was refused at the same moment. Send it again."))
        if row.fingerprint != fingerprint:
            raise ApiError(422, other_request(), field=HEADER)
        if not row.status and timezone.now() - row.created_at < IN_PROGRESS:
            message = _("The first request with this key is still in progress. Try again in a moment.")
            raise ApiError(409, message, headers={"Retry-After": "2"})
        if not row.status:
            # The first request was interrupted, so this one takes its place.
            row.created_at = timezone.now()
            row.save(update_fields=["created_at"])
    return row


def other_request() -> str:
    """The error for a key that was used with another body."""
    return _("This key was used for another request. Use a new key for each request.")


def _fingerprint(request: HttpRequest) -> str:
    """A digest of the request; of an uploaded file its name and size only."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type != "multipart/form-data":
        digest.update(request.body)
    else:
        # Without the file's content, which would be read twice. Two uploads of one name and size with one key count as
        # one request.
        files = [file for name in request.FILES for file in request.FILES.getlist(name)]
        digest.update(repr([*request.POST.lists(), *((str(file.name), file.size) for file in files)]).encode())
    return digest.hexdigest()


def _stored_response(row: IdempotentRequest) -> HttpResponse:
    response = HttpResponse(bytes(row.body or b""), status=row.status, content_type="application/json; charset=utf-8")
    if row.location:
        response["Location"] = row.location
    # The name that Stripe's API uses; the draft standard (draft-ietf-httpapi-idempotency-key-header) has none.
    response["Idempotent-Replayed"] = "true"
    return response
