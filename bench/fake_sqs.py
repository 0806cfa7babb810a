"""A queue that hands out messages as SQS does, each hidden for a while from whoever else asks, and its dead letters.

moto looks through all messages at each request; with 10,000 of them it would be what is measured. Serves on loopback:
`python -m bench.fake_sqs` prints its address. The queues are /1/events and /1/dead.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECE = 0.01  # seconds between two looks of a long poll


class FakeQueue:
    def __init__(self) -> None:
        self.ready: deque[tuple[str, str]] = deque()
        self.hidden: list[tuple[float, str]] = []
        self.taken: dict[str, tuple[float, tuple[str, str]]] = {}
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()

    def send(self, body: str) -> str:
        with self.lock:
            name = f"m{next(self.numbers)}"
            self.ready.append((name, body))
            return name

    def receive(self, maximum: int, hides: float) -> list[dict[str, str]]:
        with self.lock:
            self._come_back()
            given = []
            while self.ready and len(given) < maximum:
                message, receipt = self.ready.popleft(), f"r{next(self.numbers)}"
                self._hide(receipt, message, hides)
                digest = hashlib.md5(message[1].encode(), usedforsecurity=False).hexdigest()
                given.append(
                    {"MessageId": message[0], "ReceiptHandle": receipt, "Body": message[1], "MD5OfBody": digest}
                )
            return given

    def hide(self, receipt: str, seconds: float) -> None:
        with self.lock:
            if receipt in self.taken:
                self._hide(receipt, self.taken[receipt][1], seconds)

    def delete(self, receipt: str) -> None:
        with self.lock:
            self.taken.pop(receipt, None)

    def left(self) -> tuple[int, int]:
        with self.lock:
            self._come_back()
            return len(self.ready), len(self.taken)

    def _hide(self, receipt: str, message: tuple[str, str], seconds: float) -> None:
        until = time.monotonic() + seconds
        self.taken[receipt] = until, message
        heapq.heappush(self.hidden, (until, receipt))

    def _come_back(self) -> None:
        while self.hidden and self.hidden[0][0] <= time.monotonic():
            until, receipt = heapq.heappop(self.hidden)
            if self.taken.get(receipt, (None,))[0] == until:
                self.ready.append(self.taken.pop(receipt)[1])


QUEUES = {"events": FakeQueue(), "dead": FakeQueue()}


def receive(queue: FakeQueue, asked: dict[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + asked.get("WaitTimeSeconds", 0)
    maximum, hides = asked.get("MaxNumberOfMessages", 1), asked.get("VisibilityTimeout", 30)
    while not (given := queue.receive(maximum, hides)) and time.monotonic() < end:
        time.sleep(PIECE)
    return {"Messages": given} if given else {}


def attributes(queue: FakeQueue, _: dict[str, Any]) -> dict[str, Any]:
    ready, taken = queue.left()
    policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:dead", "maxReceiveCount": 100})
    said = {"ApproximateNumberOfMessages": str(ready), "ApproximateNumberOfMessagesNotVisible": str(taken)}
    return {"Attributes": {**said, "RedrivePolicy": policy}}


def each(act: Callable[[FakeQueue, dict[str, Any]], object]) -> Callable[[FakeQueue, dict[str, Any]], dict[str, Any]]:
    def batch(queue: FakeQueue, asked: dict[str, Any]) -> dict[str, Any]:
        for entry in asked["Entries"]:
            act(queue, entry)
        return {"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]], "Failed": []}

    return batch


ANSWERS: dict[str, Callable[[FakeQueue, dict[str, Any]], dict[str, Any]]] = {
    "ReceiveMessage": receive,
    "GetQueueAttributes": attributes,
    "SendMessage": lambda queue, asked: {"MessageId": queue.send(asked["MessageBody"]), "MD5OfMessageBody": ""},
    "SendMessageBatch": each(lambda queue, entry: queue.send(entry["MessageBody"])),
    "DeleteMessageBatch": each(lambda queue, entry: queue.delete(entry["ReceiptHandle"])),
    "ChangeMessageVisibilityBatch": each(
        lambda queue, entry: queue.hide(entry["ReceiptHandle"], entry["VisibilityTimeout"])
    ),
}


class OneRequest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        if operation == "GetQueueUrl":
            said = {"QueueUrl": f"http://{self.headers['Host']}/1/{asked['QueueName']}"}
        else:
            said = ANSWERS[operation](QUEUES[asked["QueueUrl"].rpartition("/")[2]], asked)
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), OneRequest)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Event().wait()
