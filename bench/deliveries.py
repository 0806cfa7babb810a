"""Bench of deliveries: 10,000 messages to a webhook that fails 20 % of the time."""

from __future__ import annotations

import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR

from bench import sandbox, subprocesses
from bench.report import Measurement, Report

MESSAGES, PICTURES = 10_000, 2_000
FAILURES = 0.2
SENDERS = 2
SECONDS = 600.0


def measure() -> Report:
    with sandbox.empty_library() as library, UnreliableReceiver() as receiver:
        library.add_user("bench")
        env = {"SINK_URL": receiver.url, "DELIVERY_PRIVATE_ADDRESSES": "1"}
        baseline = subprocesses.run_job(library.var, "post_all", **env)
        receiver.reset(failures=FAILURES)
        subprocesses.run_job(library.var, "queue_messages", **env)
        began = time.monotonic()
        senders = [subprocesses.start_job(library.var, "send_messages", **env) for _ in range(SENDERS)]
        results = [subprocesses.result(sender, seconds=SECONDS) for sender in senders]
        seconds = time.monotonic() - began
    states = results[-1]["states"]
    measurements = [
        Measurement(name="delivered", value=states.get("delivered", 0), unit="", at_least=MESSAGES),
        Measurement(name="accepted by the receiver, by id", value=len(receiver.accepted), unit="", at_least=MESSAGES),
        Measurement(name="out of order for a picture", value=receiver.out_of_order, unit="", at_most=0),
        Measurement(
            name=f"the first {MESSAGES // 2:,}",
            value=MESSAGES / 2 / receiver.seconds_to_half,
            baseline=baseline["rate"],
            unit="/s",
        ),
        Measurement(name="until all were delivered", value=seconds, unit="s"),
    ]
    notes = [
        f"{MESSAGES:,} messages about {PICTURES:,} pictures by {SENDERS} workers; {receiver.requests:,} requests.",
        "A tenth got status 503, a tenth was accepted and its connection cut: "
        f"{receiver.repeated:,} came again with the same id.",
        "The baseline sends the same bodies one after the other by one `requests` session, without failures. Messages",
        "wait for earlier ones about the same picture; the longest wait is for one that failed six times.",
    ]
    return Report("deliveries to a receiver that fails 20 % of the time", measurements, notes)


class UnreliableReceiver:
    """Webhook that accepts each id once, and counts violations of the guarantees."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset(failures=0)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.answer(self, json.loads(body))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> UnreliableReceiver:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def reset(self, *, failures: float) -> None:
        self.failures = failures
        self.random = random.Random(1)
        self.accepted: set[str] = set()
        self.began = self.seconds_to_half = 0.0
        self.last_by_image: dict[int, int] = {}
        self.requests = self.repeated = self.out_of_order = 0

    def answer(self, request: BaseHTTPRequestHandler, message: dict[str, object]) -> None:
        with self._lock:
            self.requests += 1
            self.began = self.began or time.monotonic()
            chance = self.random.random()
            if chance >= self.failures / 2:
                self._apply(message)
        if chance < self.failures / 2:
            request.send_error(503)
        elif chance < self.failures:
            request.close_connection = True
            request.connection.shutdown(SHUT_RDWR)
        else:
            request.send_response(204)
            request.end_headers()

    def _apply(self, message: dict[str, object]) -> None:
        """Apply a message as a receiver that honors ids: a known one changes nothing."""
        delivery_id, image_id, number = str(message["id"]), int(str(message["image_id"])), int(str(message["number"]))
        if delivery_id in self.accepted:
            self.repeated += 1
            return
        self.accepted.add(delivery_id)
        if len(self.accepted) == MESSAGES // 2:
            self.seconds_to_half = time.monotonic() - self.began
        self.out_of_order += self.last_by_image.get(image_id, -1) >= number
        self.last_by_image[image_id] = number


if __name__ == "__main__":
    print(measure().to_json())
