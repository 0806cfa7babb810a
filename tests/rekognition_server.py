"""A scripted Rekognition server on loopback, over AWS's protocol (JSON 1.1)."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class RekognitionServer:
    """Returns `answers` one by one, then repeats the last one.

    An answer is a dict, its bytes, or (HTTP status, AWS error code).
    """

    def __init__(self) -> None:
        self.answers: list[dict | bytes | tuple[int, str]] = [{"Labels": [], "LabelModelVersion": "3.0"}]
        self.requests: list[dict] = []
        self._turn = threading.Lock()

    def answer(self, request: dict) -> tuple[int, dict | bytes]:
        with self._turn:
            self.requests.append(request)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, tuple):
            return answer[0], {"__type": answer[1], "message": f"{answer[1]} was asked for"}
        return 200, answer


@contextmanager
def serving(rekognition: RekognitionServer):
    """Serves on a free port; yields the endpoint's address."""

    class OneRequest(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = rekognition.answer(request)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("x-amzn-RequestId", f"request-{len(rekognition.requests)}")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), OneRequest)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
