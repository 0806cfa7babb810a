"""SQS server for benches, with a dead-letter queue and visibility timeouts.

moto walks through all messages at each request, so with 10,000 of them the bench would measure moto. `python -m
bench.fake_sqs` serves on 127.0.0.1 and prints its address. The queues are /1/events and /1/dead.
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

POLL_SECONDS = 0.01  # between two checks of a long poll


class FakeQueue:
    def __init__(self) -> None:
        self.ready: deque[tuple[str, str]] = deque()
        self.hidden: list[tuple[float, str]] = []
        self.in_flight: dict[str, tuple[float, tuple[str, str]]] = {}
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()

    def send(self, body: str) -> str:
        with self.lock:
            message_id = f"m{next(self.numbers)}"
            self.ready.append((message_id, body))
            return message_id

    def receive(self, maximum: int, visibility_timeout: float) -> list[dict[str, str]]:
        with self.lock:
            self._return_expired()
            messages = []
            while self.ready and len(messages) < maximum:
                message, receipt = self.ready.popleft(), f"r{next(self.numbers)}"
                self._hide(receipt, message, visibility_timeout)
                digest = hashlib.md5(message[1].encode(), usedforsecurity=False).hexdigest()
                messages.append(
                    {"MessageId": message[0], "ReceiptHandle": receipt, "Body": message[1], "MD5OfBody": digest}
                )
            return messages

    def hide(self, receipt: str, seconds: float) -> None:
        with self.lock:
            if receipt in self.in_flight:
                self._hide(receipt, self.in_flight[receipt][1], seconds)

    def delete(self, receipt: str) -> None:
        with self.lock:
            self.in_flight.pop(receipt, None)

    def counts(self) -> tuple[int, int]:
        with self.lock:
            self._return_expired()
            return len(self.ready), len(self.in_flight)

    def _hide(self, receipt: str, message: tuple[str, str], seconds: float) -> None:
        until = time.monotonic() + seconds
        self.in_flight[receipt] = until, message
        heapq.heappush(self.hidden, (until, receipt))

    def _return_expired(self) -> None:
        while self.hidden and self.hidden[0][0] <= time.monotonic():
            until, receipt = heapq.heappop(self.hidden)
            # Another time: the message was deleted or hidden again since.
            if self.in_flight.get(receipt, (None,))[0] == until:
                self.ready.append(self.in_flight.pop(receipt)[1])


QUEUES = {"events": FakeQueue(), "dead": FakeQueue()}


def receive(queue: FakeQueue, params: dict[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + params.get("WaitTimeSeconds", 0)
    maximum, visibility_timeout = params.get("MaxNumberOfMessages", 1), params.get("VisibilityTimeout", 30)
    while not (messages := queue.receive(maximum, visibility_timeout)) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    return {"Messages": messages} if messages else {}


def attributes(queue: FakeQueue, _: dict[str, Any]) -> dict[str, Any]:
    ready, in_flight = queue.counts()
    policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:dead", "maxReceiveCount": 100})
    response = {"ApproximateNumberOfMessages": str(ready), "ApproximateNumberOfMessagesNotVisible": str(in_flight)}
    return {"Attributes": {**response, "RedrivePolicy": policy}}


def for_each_entry(
    operation: Callable[[FakeQueue, dict[str, Any]], object],
) -> Callable[[FakeQueue, dict[str, Any]], dict[str, Any]]:
    def batch(queue: FakeQueue, params: dict[str, Any]) -> dict[str, Any]:
        for entry in params["Entries"]:
            operation(queue, entry)
        return {"Successful": [{"Id": entry["Id"]} for entry in params["Entries"]], "Failed": []}

    return batch


OPERATIONS: dict[str, Callable[[FakeQueue, dict[str, Any]], dict[str, Any]]] = {
    "ReceiveMessage": receive,
    "GetQueueAttributes": attributes,
    "SendMessage": lambda queue, params: {"MessageId": queue.send(params["MessageBody"]), "MD5OfMessageBody": ""},
    "SendMessageBatch": for_each_entry(lambda queue, entry: queue.send(entry["MessageBody"])),
    "DeleteMessageBatch": for_each_entry(lambda queue, entry: queue.delete(entry["ReceiptHandle"])),
    "ChangeMessageVisibilityBatch": for_each_entry(
        lambda queue, entry: queue.hide(entry["ReceiptHandle"], entry["VisibilityTimeout"])
    ),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise head and body, written one after the other, wait for the client's delayed acknowledgement: 40 ms.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        params = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        if operation == "GetQueueUrl":
            response = {"QueueUrl": f"http://{self.headers['Host']}/1/{params['QueueName']}"}
        else:
            response = OPERATIONS[operation](QUEUES[params["QueueUrl"].rpartition("/")[2]], params)
        body = json.dumps(response).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Event().wait()
