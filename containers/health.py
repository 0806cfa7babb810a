"""Health check of a container: exit status 0 if its process makes progress.

A worker, scheduler or consumer touches IMAGELIB_LIVENESS_FILE as it goes. Without such a file, the web server is asked.
Imports neither Django nor imagelib: it runs every few seconds.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from pathlib import Path

MAX_AGE = 120.0
"""Seconds; longer than a consumer waits for events or between its attempts."""


def main() -> int:
    file = Path(os.environ.get("IMAGELIB_LIVENESS_FILE", "") or "/tmp/imagelib-alive")  # noqa: S108 - in a container
    problem = _stale(file) if file.exists() else _no_answer(int(os.environ.get("PORT", "8000")))
    print(problem or "ok")
    return 1 if problem else 0


def _stale(file: Path) -> str:
    age = time.time() - file.stat().st_mtime
    return f"No progress for {age:.0f} seconds." if age > MAX_AGE else ""


def _no_answer(port: int) -> str:
    # With a visitor's Host header and the proxy's scheme: other hosts are refused, and plain HTTP is redirected.
    host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".*") or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/healthz", headers={"Host": host, "X-Forwarded-Proto": "https"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"The web server does not respond: {error}"
    finally:
        connection.close()
    return "" if status in {200, 301} else f"The web server responds with status {status}."


if __name__ == "__main__":
    sys.exit(main())
