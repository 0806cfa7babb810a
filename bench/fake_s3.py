"""S3 server for benches and tests that fails on demand.

moto takes 10 ms for each object; this server holds a million keys in a list and responds at once, or with the latency
of S3. `python -m bench.fake_s3 COUNT MILLISECONDS` serves generated keys and prints its address.
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
    """One bucket; `faults` are the next errors of list, get, delete and head."""

    bucket: str = "photos"
    region: str = "us-east-1"
    seconds: float = 0.0
    content: bytes = b""  # of objects added by `set_keys`
    objects: dict[str, bytes | None] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)  # current version by key; requests for other versions fail
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)  # x-amz-meta-* by key
    encodings: dict[str, str] = field(default_factory=dict)  # Content-Encoding by key
    faults: dict[str, list[str]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)  # keys, as by an ACL or a KMS key
    requests: list[tuple[str, str]] = field(default_factory=list)  # method and key
    access_keys: list[str] = field(default_factory=list)  # access keys that signed the requests
    empty: int = 0  # number of empty list pages before the first key, as S3 may send them
    _keys: list[bytes] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, key: str, content: bytes | None = None) -> None:
        with self._lock:
            if key not in self.objects:
                insort(self._keys, key.encode())
            self.objects[key] = content

    def set_keys(self, keys: list[str]) -> None:
        """Replace all objects; each has the bytes of `content`."""
        self.objects = dict.fromkeys(keys)
        self._keys = sorted(key.encode() for key in keys)

    def delete(self, key: str) -> None:
        with self._lock:
            if key in self.objects:
                del self.objects[key]
                self._keys.remove(key.encode())

    def bytes_of(self, key: str) -> bytes:
        content = self.objects[key]
        return self.content if content is None else content

    def etag(self, key: str) -> str:
        content = self.objects[key]
        return _md5(key.encode() if content is None else content)

    def page(self, *, prefix: str, after: str, maximum: int) -> tuple[list[str], bool]:
        if self.empty:
            self.empty -= 1
            return [], True
        with self._lock:
            start = max(
                bisect_left(self._keys, prefix.encode()), bisect_right(self._keys, after.encode()) if after else 0
            )
            keys = self._keys[start : start + maximum + 1]
        matches = [key.decode() for key in keys if key.startswith(prefix.encode())]
        return matches[:maximum], len(matches) > maximum

    def fault(self, operation: str) -> str:
        with self._lock:
            codes = self.faults.get(operation)
            if not codes:
                return ""
            return codes[0] if len(codes) == 1 and codes[0].endswith("!") else codes.pop(0)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@contextmanager
def serving(fake: FakeS3, *, port: int = 0) -> Iterator[str]:
    """Serve and yield the endpoint's address. A fault that ends in `!` is permanent."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise head and body, written one after the other, wait for the client's delayed acknowledgement: 40 ms.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            bucket, key, params = self._parse_request()
            if not self._send_error_if_any("list" if not key else "get", bucket):
                self._send_list(params) if not key else self._send_object(key, version=params.get("versionId", ""))

        def do_HEAD(self) -> None:
            bucket, key, _ = self._parse_request()
            if not self._send_error_if_any("head", bucket):
                self._send_object(key) if key else self._send(200, b"", {"x-amz-bucket-region": fake.region})

        def do_DELETE(self) -> None:
            bucket, key, _ = self._parse_request()
            if not self._send_error_if_any("delete", bucket):
                fake.delete(key)
                self._send(204, b"")

        def _parse_request(self) -> tuple[str, str, dict[str, str]]:
            parts = urlsplit(self.path)
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            fake.requests.append((self.command, key))
            fake.access_keys.append(self.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0])
            return bucket, key, {name: values[0] for name, values in parse_qs(parts.query).items()}

        def _send_error_if_any(self, operation: str, bucket: str) -> bool:
            code = fake.fault(operation).rstrip("!") or ("NoSuchBucket" if bucket != fake.bucket else "")
            if code:
                self._send_error(code)
            return bool(code)

        def _send_error(self, code: str) -> None:
            body = f"<Error><Code>{code}</Code><Message>requested by the test</Message></Error>".encode()
            self._send(STATUS.get(code, 400), body, {"Content-Type": "application/xml"})

        def _send_list(self, params: dict[str, str]) -> None:
            time.sleep(fake.seconds)
            after = params.get("continuation-token") or params.get("start-after", "")
            maximum = int(params.get("max-keys", "1000"))
            keys, is_cut = fake.page(prefix=params.get("prefix", ""), after=after, maximum=maximum)
            rows = "".join(
                f"<Contents><Key>{quote(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>&quot;{fake.etag(key)}&quot;</ETag><Size>{len(fake.bytes_of(key))}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
                for key in keys
            )
            token = (
                f"<NextContinuationToken>{escape(keys[-1] if keys else after or ' ')}</NextContinuationToken>"
                if is_cut
                else ""
            )
            # botocore asks for keys as in URLs, since XML cannot hold control characters, and decodes them if this
            # element is there.
            head = f"<EncodingType>url</EncodingType><IsTruncated>{str(is_cut).lower()}</IsTruncated>{token}"
            body = f"{HEAD}<Name>{fake.bucket}</Name>{head}{rows}</ListBucketResult>"
            self._send(200, body.encode(), {"Content-Type": "application/xml"})

        def _send_object(self, key: str, *, version: str = "") -> None:
            error = "AccessDenied" if key in fake.denied else ""
            if key not in fake.objects:
                error = "NoSuchKey"
            elif version and version != fake.versions.get(key, version):
                error = "NoSuchVersion"
            if error:
                self._send_error(error)
                return
            etag = f'"{fake.etag(key)}"'
            if self.headers.get("If-Match", etag) != etag:
                self._send_error("PreconditionFailed")
                return
            current = {"x-amz-version-id": fake.versions[key]} if key in fake.versions else {}
            encoding = {"Content-Encoding": fake.encodings[key]} if key in fake.encodings else {}
            metadata = {f"x-amz-meta-{name}": value for name, value in fake.metadata.get(key, {}).items()}
            self._send(200, fake.bytes_of(key), {"ETag": etag, **current, **encoding, **metadata})

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
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
    fake.set_keys([f"photos/{number // 1000:04}/{number:07}.jpg" for number in range(count)])
    with serving(fake) as address:
        print(address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
