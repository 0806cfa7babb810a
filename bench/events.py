"""Bench of consume_events: its rate, and its result if a consumer is killed."""

from __future__ import annotations

import io
import itertools
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3

from bench import sandbox, subprocesses
from bench.fake_s3 import FakeS3, serving
from bench.photos import photo
from bench.report import Measurement, Report

RATE_MESSAGES = 3_000
KEYS, EVENTS_PER_KEY, REMOVAL_SHARE = 1_600, 5, 0.25
DUPLICATES = 2_000
PICTURES = 64
CONSUMERS = 2


def measure() -> Report:
    with sandbox.empty_library() as library, subprocesses.sqs_server() as endpoint:
        queue = QueueClient(endpoint)
        baseline_rate = messages_per_second(queue, library.var, "drain")
        rate = messages_per_second(queue, library.var, "consume")
        seconds, is_right, killed_after = consume_shuffled(queue, library.var)
    measurements = [
        Measurement(name="events consumed", value=rate, baseline=baseline_rate, unit="/s", at_least=200),
        Measurement(
            name="library after 10,000 shuffled events is exact (1 = yes)",
            value=float(is_right),
            unit="",
            at_least=1,
        ),
        Measurement(name="time until then, with import and a killed consumer", value=seconds, unit="s"),
    ]
    notes = [
        f"{CONSUMERS} consumers in parallel, a local queue server, one event per message; the baseline only "
        "receives and deletes.",
        f"Shuffled: {EVENTS_PER_KEY} events for each of {KEYS:,} objects, {DUPLICATES:,} duplicates (one ten times);"
        f" a consumer was killed after {killed_after:,} of them.",
    ]
    return Report("consume_events against a loop that receives and deletes", measurements, notes)


class QueueClient:
    """Client that sends to the queue and counts its messages."""

    def __init__(self, endpoint: str) -> None:
        keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench", "region_name": "us-east-1"}
        self.client = boto3.session.Session().client("sqs", endpoint_url=endpoint, **keys)
        self.endpoint = endpoint
        self.url = f"{endpoint}/1/events"

    @property
    def env(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_SQS": self.endpoint, "EVENTS_QUEUE_URL": self.url}

    def send(self, bodies: Sequence[str]) -> None:
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + 10])]
            self.client.send_message_batch(QueueUrl=self.url, Entries=entries)

    def count_messages(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        values = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(values[name]) for name in names)


def messages_per_second(queue: QueueClient, var: Path, job: str) -> float:
    queue.send([event("ObjectCreated:Put", f"rate/{number}.jpg", number) for number in range(RATE_MESSAGES)])
    consumers = [subprocesses.start_job(var, job, **queue.env) for _ in range(CONSUMERS)]
    results = [subprocesses.result(consumer) for consumer in consumers]
    assert sum(result["messages"] for result in results) == RATE_MESSAGES
    return RATE_MESSAGES / (max(result["ended"] for result in results) - min(result["began"] for result in results))


def consume_shuffled(queue: QueueClient, var: Path) -> tuple[float, bool, int]:
    """Seconds, exactness of the library, and messages before the kill."""
    fake, messages = make_history()
    with serving(fake) as endpoint:
        env = {**queue.env, "AWS_ENDPOINT_URL_S3": endpoint}
        queue.send(messages)
        began = time.monotonic()
        killed, other = (subprocesses.start_job(var, "consume", **env) for _ in range(2))
        while (waiting := queue.count_messages()) > len(messages) * 2 // 3:
            time.sleep(0.1)
        killed.kill()
        killed.communicate()
        subprocesses.result(other)
        while queue.count_messages():  # messages of the killed consumer return after their visibility timeout
            time.sleep(5)
            subprocesses.run_job(var, "consume", **env)
        for reader in [subprocesses.start_job(var, "import_objects", **env) for _ in range(2)]:
            subprocesses.result(reader, seconds=900)
        seconds, library = time.monotonic() - began, subprocesses.run_job(var, "library", **env)
    expected = [[key, fake.etag(key)] for key in sorted(fake.objects) if key.startswith("p/")]
    actual = [pair for pair in library["pairs"] if pair[0].startswith("p/")]
    return seconds, actual == expected and library["max_per_key"] == 1, len(messages) - waiting


def make_history() -> tuple[FakeS3, list[str]]:
    """A bucket in its final state, and the shuffled events that led there."""
    generator, fake = random.Random(6), FakeS3()
    pictures, messages, sequence = [draw_picture(number) for number in range(PICTURES)], list[str](), itertools.count()
    for number in range(KEYS):
        key, removals = f"p/{number:05}.jpg", [generator.random() < REMOVAL_SHARE for _ in range(EVENTS_PER_KEY)]
        for is_removal in removals:
            event_name = "ObjectRemoved:Delete" if is_removal else "ObjectCreated:Put"
            messages.append(event(event_name, key, next(sequence)))
        if not removals[-1]:
            fake.put(key, pictures[number % PICTURES] + key.encode())
    repeated = generator.sample(messages, DUPLICATES - 8)
    messages += [*repeated, *[repeated[0]] * 8]
    generator.shuffle(messages)
    return fake, messages


def draw_picture(number: int) -> bytes:
    stream = io.BytesIO()
    photo(number, 160, 120).save(stream, "JPEG", quality=80)
    return stream.getvalue()


def event(event_name: str, key: str, sequence: int) -> str:
    # In hexadecimal, as S3's sequencers.
    s3_object: dict[str, Any] = {"key": key, "sequencer": f"{sequence + 0x55AED6DCD90281:X}"}
    record = {"eventVersion": "2.1", "eventName": event_name, "s3": {"bucket": {"name": "photos"}, "object": s3_object}}
    return json.dumps({"Records": [record]})


if __name__ == "__main__":
    print(measure().to_json())
