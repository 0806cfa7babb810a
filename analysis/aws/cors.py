"""CORS rules of a bucket, tested with preflight requests as browsers do."""

from __future__ import annotations

from typing import Any

from analysis.aws import clients

METHODS = ("POST", "PUT")
"""Methods of upload forms, and of parts of large files."""
PROBE_KEY = "check-cors-of-imagelib"


def refused_methods(client: Any, bucket: str, *, origin: str) -> list[str]:
    """The methods of METHODS that a bucket does not allow browsers on `origin`.

    Nothing is signed or stored. Raises AWSError.
    """
    with clients.translate_errors():
        url = f"{client.generate_presigned_post(bucket, PROBE_KEY)['url'].rstrip('/')}/{PROBE_KEY}"
        return [method for method in METHODS if not _is_allowed(url, origin=origin, method=method)]


def _is_allowed(url: str, *, origin: str, method: str) -> bool:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type",
    }
    answer = clients.send("OPTIONS", url, headers)
    methods = {name.strip() for name in answer.headers.get("access-control-allow-methods", "").split(",")}
    return (
        answer.status < 300
        and answer.headers.get("access-control-allow-origin", "") in {"*", origin}
        and not methods.isdisjoint({"*", method})
    )
