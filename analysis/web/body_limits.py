"""How much a request may carry, decided by its Content-Length before any of it is read or written anywhere.

CSRF's check reads a form to find its token, and so would write any file to the disk before it is known who sends it.
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
"""As much as the web server reads before it takes a thread (imagelib/gunicorn_worker.py)."""
FORM_BYTES = 64 * 1024
"""Of a form around one file: its fields and the borders between them."""


class BodyLimits:
    """Refuses what is too large. Stands after AuthenticationMiddleware; views, and what looks at forms, come later."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = _length(request)
        if length is None:
            return _refuse(_("Send this with a Content-Length: a body of unknown length is not read."), status=411)
        if length > ANONYMOUS_BYTES and length > (limit := limit_of(cast(Request, request))):
            sentence = _("This is too large: %(size)s were sent where %(limit)s is the limit. Nothing was saved.")
            return _refuse(sentence % {"size": megabytes(length), "limit": megabytes(limit)}, status=413)
        return self.get_response(request)


def limit_of(request: Request) -> int:
    """The most bytes that this person may send to this address."""
    if not request.user.is_authenticated:
        return ANONYMOUS_BYTES
    try:
        name = resolve(request.path_info).view_name
    except Resolver404:
        return ANONYMOUS_BYTES
    if name == "upload":
        return max(settings.MAX_UPLOAD_REQUEST_BYTES, settings.MAX_UPLOAD_BYTES + FORM_BYTES)
    if name == "upload-file":
        return settings.MAX_UPLOAD_BYTES + FORM_BYTES
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class FileLimit(FileUploadHandler):
    """Of a file that is too large one byte more than the limit is kept: enough to refuse it, and no more disk."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        rest = settings.MAX_UPLOAD_BYTES + 1 - start
        return raw_data[:rest] if rest > 0 else None

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:  # noqa: ARG002 - Django gives it
        """The handlers after this one make the file."""
        return None


def _length(request: HttpRequest) -> int | None:
    """Bytes announced; None for a body whose length is not. What is no number Django takes for nothing, too."""
    text = request.META.get("CONTENT_LENGTH") or ""
    if not text and request.META.get("HTTP_TRANSFER_ENCODING"):
        return None
    try:
        return int(text or 0)
    except ValueError:
        return 0


def _refuse(sentence: str, *, status: int) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
