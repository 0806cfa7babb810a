"""A server that lists, gives and deletes objects as S3 does, and refuses when it is told to.

moto keeps every object and takes 10 ms to give one; this one has a million keys in a list and answers at once, or after
as long as S3 takes. `python -m bench.fake_s3 COUNT MILLISECONDS` serves generated keys and prints its address.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
STATUS = {
    **dict.fromkeys(("NoSuchKey", "NoSuchBucket", "NoSuchVersion"), 404),
    **dict.fromkeys(("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"), 403),
    "ExpiredToken": 400,
    "PreconditionFailed": 412,
    "SlowDown": 503,
}


@dataclass
class FakeS3:
    """One bucket. `faults`: what an operation (list, get, delete, head) answers instead, once for each entry."""

    bucket: str = "photos"
    region: str = "us-east-1"
    seconds: float = 0.0
    content: bytes = b""
    """Of objects that were only named."""
    objects: dict[str, bytes | None] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    """The present version of a key; of those that are named here every other has expired."""
    encodings: dict[str, str] = field(default_factory=dict)
    """The Content-Encoding of a key."""
    faults: dict[str, list[str]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    """Keys that are given to nobody, by their ACL or their KMS key."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    empty: int = 0
    """So many pages of a list are empty, though more follow."""
    _keys: list[bytes] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, key: str, content: bytes | None = None) -> None:
        with self._lock:
            if key not in self.objects:
                insort(self._keys, key.encode())
            self.objects[key] = content

    def name(self, keys: list[str]) -> None:
        """Many objects at once, all with the same bytes."""
        self.objects = dict.fromkeys(keys)
        self._keys = sorted(key.encode() for key in keys)

    def delete(self, key: str) -> None:
        with self._lock:
            if key in self.objects:
                del self.objects[key]
                self._keys.remove(key.encode())

    def bytes_of(self, key: str) -> bytes:
        own = self.objects[key]
        return self.content if own is None else own

    def etag(self, key: str) -> str:
        own = self.objects[key]
        return _md5(key.encode() if own is None else own)

    def page(self, *, prefix: str, after: str, maximum: int) -> tuple[list[str], bool]:
        if self.empty:
            self.empty -= 1
            return [], True
        with self._lock:
            start = max(
                bisect_left(self._keys, prefix.encode()), bisect_right(self._keys, after.encode()) if after else 0
            )
            stretch = self._keys[start : start + maximum + 1]
        found = [key.decode() for key in stretch if key.startswith(prefix.encode())]
        return found[:maximum], len(found) > maximum

    def fault(self, operation: str) -> str:
        with self._lock:
            waiting = self.faults.get(operation)
            if not waiting:
                return ""
            return waiting[0] if len(waiting) == 1 and waiting[0].endswith("!") else waiting.pop(0)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@contextmanager
def serving(fake: FakeS3, *, port: int = 0) -> Iterator[str]:
    """Serves; yields the endpoint's address. A fault that ends in `!` stays for ever."""

    class OneRequest(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            bucket, key, asked = self._asked()
            if not self._refuses("list" if not key else "get", bucket):
                self._list(asked) if not key else self._give(key, version=asked.get("versionId", ""))

        def do_HEAD(self) -> None:
            bucket, key, _ = self._asked()
            if not self._refuses("head", bucket):
                self._give(key) if key else self._say(200, b"", {"x-amz-bucket-region": fake.region})

        def do_DELETE(self) -> None:
            bucket, key, _ = self._asked()
            if not self._refuses("delete", bucket):
                fake.delete(key)
                self._say(204, b"")

        def _asked(self) -> tuple[str, str, dict[str, str]]:
            parts = urlsplit(self.path)
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            fake.asked.append((self.command, key))
            return bucket, key, {name: values[0] for name, values in parse_qs(parts.query).items()}

        def _refuses(self, operation: str, bucket: str) -> bool:
            code = fake.fault(operation).rstrip("!") or ("NoSuchBucket" if bucket != fake.bucket else "")
            if code:
                self._error(code)
            return bool(code)

        def _error(self, code: str) -> None:
            body = f"<Error><Code>{code}</Code><Message>{code} was asked for</Message></Error>".encode()
            self._say(STATUS.get(code, 400), body, {"Content-Type": "application/xml"})

        def _list(self, asked: dict[str, str]) -> None:
            time.sleep(fake.seconds)
            after = asked.get("continuation-token") or asked.get("start-after", "")
            maximum = int(asked.get("max-keys", "1000"))
            keys, is_cut = fake.page(prefix=asked.get("prefix", ""), after=after, maximum=maximum)
            rows = "".join(
                f"<Contents><Key>{quote(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>&quot;{fake.etag(key)}&quot;</ETag><Size>{len(fake.bytes_of(key))}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
                for key in keys
            )
            more = (
                f"<NextContinuationToken>{escape(keys[-1] if keys else after or ' ')}</NextContinuationToken>"
                if is_cut
                else ""
            )
            said = f"<EncodingType>url</EncodingType><IsTruncated>{str(is_cut).lower()}</IsTruncated>{more}"
            body = f"{HEAD}<Name>{fake.bucket}</Name>{said}{rows}</ListBucketResult>"
            self._say(200, body.encode(), {"Content-Type": "application/xml"})

        def _give(self, key: str, *, version: str = "") -> None:
            refusal = "AccessDenied" if key in fake.denied else ""
            if key not in fake.objects:
                refusal = "NoSuchKey"
            elif version and version != fake.versions.get(key, version):
                refusal = "NoSuchVersion"
            if refusal:
                self._error(refusal)
                return
            etag = f'"{fake.etag(key)}"'
            if self.headers.get("If-Match", etag) != etag:
                self._error("PreconditionFailed")
                return
            present = {"x-amz-version-id": fake.versions[key]} if key in fake.versions else {}
            encoding = {"Content-Encoding": fake.encodings[key]} if key in fake.encodings else {}
            self._say(200, fake.bytes_of(key), {"ETag": etag, **present, **encoding})

        def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), OneRequest)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(count: int, milliseconds: float) -> None:
    fake = FakeS3(seconds=milliseconds / 1000, content=b"x")
    fake.name([f"photos/{number // 1000:04}/{number:07}.jpg" for number in range(count)])
    with serving(fake) as address:
        print(address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
