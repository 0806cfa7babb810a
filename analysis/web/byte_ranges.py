"""Byte ranges of files for resumable downloads (RFC 9110, section 14).

Django's FileResponse sends whole files only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import IO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags, quote_etag

from analysis.web.stored_files import sendfile_response

CHUNK = 2**18
CACHE = "private, no-cache"
# 19 digits are enough for any file size; ASCII, since \d also matches digits of other scripts.
ONE_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


def file_response(
    request: HttpRequest, file: IO[bytes], *, size: int, etag: str, filename: str, content_type: str
) -> HttpResponseBase:
    """Send the file as an attachment, or the requested part of it.

    `etag` is unquoted. A request for several ranges gets the whole file, which the RFC allows; no client needs more.
    """
    if quote_etag(etag) in parse_etags(request.headers.get("If-None-Match", "")):
        file.close()
        return HttpResponse(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": quote_etag(etag)})
    request.META.pop("HTTP_ACCEPT_ENCODING", None)  # a compressed file has other bytes, and no length
    whole_file = FileResponse(file, as_attachment=True, filename=filename, content_type=content_type)
    whole_file["Cache-Control"] = CACHE
    if response_in_front := sendfile_response(whole_file, file):
        return response_in_front
    part = _requested(request, size=size, etag=etag)
    response: HttpResponseBase
    if part is None:
        response = whole_file
        response["Content-Length"] = str(size)
    elif part.start >= part.stop:
        file.close()
        response = HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        response["Content-Range"] = f"bytes */{size}"
    else:
        response = StreamingHttpResponse(
            _read(file, part), status=HTTPStatus.PARTIAL_CONTENT, content_type=content_type
        )
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
        response["Content-Length"] = str(len(part))
    response["ETag"] = quote_etag(etag)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = CACHE
    return response


def _requested(request: HttpRequest, *, size: int, etag: str) -> range | None:
    """The requested bytes; None for all, an empty range if they can't be satisfied."""
    match = ONE_RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if request.method != "GET" or match is None or match[0] == "bytes=-":
        return None
    # With If-Range, the client wants the rest only if the file is unchanged, else the whole file.
    if (validator := request.headers.get("If-Range")) and validator != quote_etag(etag):
        return None
    first, last = match[1], match[2]
    if not first:  # the last bytes
        return range(max(size - int(last), 0), size) if int(last) else range(0)
    if last and int(last) < int(first):
        return None  # an invalid header is ignored (RFC 9110, 14.2)
    return range(int(first), min(int(last) + 1, size) if last else size)


def _read(file: IO[bytes], part: range) -> Iterator[bytes]:
    with file:
        file.seek(part.start)
        remaining = len(part)
        while remaining and (chunk := file.read(min(CHUNK, remaining))):
            remaining -= len(chunk)
            yield chunk
