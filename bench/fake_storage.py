"""S3 server for benches that stores objects in files.

`python -m bench.fake_storage FOLDER` serves and prints its address. In files, since 500 uploads of 8 MB do not fit into
memory.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

BLOCK = 2**20


def handler(folder: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            """Presigned POST: the file is the last field, as S3 requires."""
            boundary = self.headers["Content-Type"].partition("boundary=")[2].encode()
            left, head = int(self.headers["Content-Length"]), b""
            while b'name="file"' not in head or not head.endswith(b"\r\n\r\n"):
                line = self.rfile.readline()
                left, head = left - len(line), head + line
            key = head.partition(b'name="key"\r\n\r\n')[2].partition(b"\r\n")[0].decode()
            self._save(key, left, tail=len(b"\r\n--" + boundary + b"--\r\n"))
            self._send(204)

        def do_PUT(self) -> None:
            source = self.headers.get("x-amz-copy-source")
            if source:
                shutil.copyfile(self._path(unquote(source).lstrip("/").partition("/")[2]), self._path(self._key()))
                self._send(200, b"<CopyObjectResult><ETag>&quot;copied&quot;</ETag></CopyObjectResult>")
                return
            self._save(self._key(), int(self.headers["Content-Length"]))
            self._send(200, ETag='"stored"')

        def do_GET(self) -> None:
            path = self._path(self._key())
            if not path.exists():
                self._send(404, b"<Error><Code>NoSuchKey</Code></Error>")
                return
            self.send_response(200)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.send_header("ETag", '"stored"')
            self.end_headers()
            with path.open("rb") as file:
                shutil.copyfileobj(file, self.wfile, BLOCK)

        def do_HEAD(self) -> None:
            path = self._path(self._key())
            self.send_response(200 if path.exists() else 404)
            self.send_header("Content-Length", str(path.stat().st_size if path.exists() else 0))
            self.end_headers()

        def do_DELETE(self) -> None:
            self._path(self._key()).unlink(missing_ok=True)
            self._send(204)

        def _key(self) -> str:
            return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

        def _path(self, key: str) -> Path:
            return folder / hashlib.sha256(key.encode()).hexdigest()

        def _save(self, key: str, size: int, *, tail: int = 0) -> None:
            left = size - tail
            with self._path(key).open("wb") as file:
                while left:
                    block = self.rfile.read(min(left, BLOCK))
                    file.write(block)
                    left -= len(block)
            self.rfile.read(tail)

        def _send(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(Path(sys.argv[1])))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Event().wait()
