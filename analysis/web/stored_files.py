"""Responses with a stored file, sent by this process or by the proxy before it.

With SENDFILE, nginx or Apache sends the file after the view has checked permission: they handle ranges and slow clients
without using one of our threads.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

from analysis.storage import blobs

ACCEL, SENDFILE = "x-accel", "x-sendfile"
MODES = ("", ACCEL, SENDFILE)


def stored_file(content: IO[bytes], *, content_type: str, filename: str = "") -> HttpResponseBase:
    """Respond with the file; as an attachment if it has a name."""
    response = FileResponse(content, as_attachment=bool(filename), filename=filename, content_type=content_type)
    return sendfile_response(response, content) or response


def sendfile_response(response: HttpResponseBase, content: IO[bytes]) -> HttpResponse | None:
    """The response for the proxy, which then sends the content itself.

    None if this process has to send it: without SENDFILE, or for a file outside the storage's folder, such as a
    copy of an object in S3.
    """
    key = _key(content) if settings.SENDFILE else None
    if key is None:
        return None
    content.close()
    # This response has no body; the proxy adds the length of what it sends.
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    name, value = _header(key)
    return HttpResponse(headers={**headers, name: value})


def _key(content: IO[bytes]) -> Path | None:
    """The path below the storage's folder, with symbolic links resolved."""
    folder, name = blobs.local_folder(), getattr(content, "name", None)
    if folder is None or not isinstance(name, str):
        return None
    # Resolved, so that a link in the folder cannot name a file outside of it.
    path, root = Path(name).resolve(), folder.resolve()
    return path.relative_to(root) if path.is_relative_to(root) and path.is_file() else None


def _header(key: Path) -> tuple[str, str]:
    # Quoted, since nginx decodes the path, and no byte of a name may end the header.
    if settings.SENDFILE == ACCEL:
        return "X-Accel-Redirect", f"{settings.SENDFILE_PREFIX.rstrip('/')}/{quote(key.as_posix())}"
    folder = blobs.local_folder() or Path()
    return "X-Sendfile", quote(str(folder.resolve() / key))
