"""Size limits for request bodies, checked before any of the body is read.

Django's CSRF check parses the form to find its token, and so writes uploaded files to disk before any view can refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from analysis.ingest.validation import megabytes
from analysis.web.http import Request

ANONYMOUS_BYTES = 64 * 1024
"""The web server buffers up to this size before it uses a thread (imagelib/gunicorn_worker.py)."""
FORM_BYTES = 64 * 1024
"""Multipart overhead of a form with one file."""


class BodyLimits:
    """Middleware that rejects bodies over the limit by their Content-Length.

    Goes after AuthenticationMiddleware, since limits depend on the person, and before anything that reads forms.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = _content_length(request)
        # A chunked body declares no size. Browsers never send one; other clients get 411 (RFC 9110, 15.5.12).
        if length is None:
            return _reject(_("Content-Length is missing. Send the request again with this header."), status=411)
        if length > ANONYMOUS_BYTES and length > (limit := max_body_bytes(cast(Request, request))):
            message = _("The request is too large: %(size)s; the limit is %(limit)s. Nothing was saved.")
            return _reject(message % {"size": megabytes(length), "limit": megabytes(limit)}, status=413)
        return self.get_response(request)


def max_body_bytes(request: Request) -> int:
    """The largest body that the user may send to this URL."""
    if not request.user.is_authenticated:
        return ANONYMOUS_BYTES
    try:
        # Resolved here: Django does it after all middleware, and CSRF's process_view then parses the form first.
        name = resolve(request.path_info).view_name
    except Resolver404:
        return ANONYMOUS_BYTES
    if name == "upload":
        return max(settings.MAX_UPLOAD_REQUEST_BYTES, settings.MAX_UPLOAD_BYTES + FORM_BYTES)
    if name in {"upload-file", "api-v1:images", "api-v1:upload-file"}:
        return settings.MAX_UPLOAD_BYTES + FORM_BYTES
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class FileLimit(FileUploadHandler):
    """Upload handler that cuts a file one byte over the limit; the view rejects it."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        # One byte more tells the view that the file was too long; stopping the upload here would lose the other
        # files.
        remaining = settings.MAX_UPLOAD_BYTES + 1 - start
        return raw_data[:remaining] if remaining > 0 else None

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:  # noqa: ARG002 - Django's interface
        """None, so that the handlers after this one create the file."""
        return None


def _content_length(request: HttpRequest) -> int | None:
    """The declared length; None for a chunked body, 0 if invalid, as in Django."""
    text = request.META.get("CONTENT_LENGTH") or ""
    if not text and request.META.get("HTTP_TRANSFER_ENCODING"):
        return None
    try:
        return int(text or 0)
    except ValueError:
        return 0


def _reject(message: str, *, status: int) -> HttpResponse:
    return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")
