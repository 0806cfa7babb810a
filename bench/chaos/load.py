"""Load on one web process: uploads and searches; prints a JSON line for each.

A program that only uses the standard library, to start at once: `python bench/chaos/load.py URL TOKEN PICTURE`.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

THREADS = 2
PAUSE = 0.1  # seconds after each request
TIMEOUT = 10.0
SEARCHES = ("/api/v1/images?limit=20", "/api/v1/images?q=dog&count=true", "/api/v1/labels?limit=20")
BOUNDARY = "picture-of-the-load"
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def main() -> None:
    site, token, picture = sys.argv[1:]
    content = Path(picture).read_bytes()
    threads = [threading.Thread(target=_send_all, args=(site, token, content)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()


def _send_all(site: str, token: str, content: bytes) -> None:
    for path in itertools.cycle((*SEARCHES, "/api/v1/images")):
        # Random bytes after the end make each picture a different file.
        picture = content + os.urandom(16) if path == "/api/v1/images" else b""
        _send(f"{site}{path}", token, picture)
        time.sleep(PAUSE)


def _send(url: str, token: str, picture: bytes) -> None:
    began = time.monotonic()
    line: dict[str, object] = {"at": time.time(), "digest": hashlib.sha256(picture).hexdigest() if picture else ""}
    request = urllib.request.Request(url, data=_form(picture) if picture else None)
    request.add_header("Authorization", f"Bearer {token}")
    if picture:
        request.add_header("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    try:
        with _open(request, timeout=TIMEOUT) as response:
            response.read()
            line["outcome"] = str(response.status)
    except urllib.error.HTTPError as error:
        line["outcome"] = f"{error.code} {error.read(300)!r}"
    except OSError as error:  # refused, reset or timed out, also as wrapped by urllib
        line["outcome"] = f"{type(error).__name__} {error}"
    line["seconds"] = round(time.monotonic() - began, 2)
    print(json.dumps(line), flush=True)


def _form(picture: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{picture[-4:].hex()}.jpg"\r\n'
    return f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + picture + f"\r\n--{BOUNDARY}--\r\n".encode()


if __name__ == "__main__":
    main()
