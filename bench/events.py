"""consume_events beside a bare receive-and-delete loop; and 10,000 shuffled events, one of two consumers killed."""

from __future__ import annotations

import io
import itertools
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3  # noqa: TID251

from bench import sandbox, subprocesses
from bench.fake_s3 import FakeS3, serving
from bench.photos import photo
from bench.report import Measurement, Report

MEASURED = 3_000
KEYS, TIMES, GONE = 1_600, 5, 0.25
"""So many objects, to each of which so much happens; and how often that is its removal."""
DUPLICATES = 2_000
LOOKS = 64
CONSUMERS = 2


def measure() -> Report:
    with sandbox.library() as made, subprocesses.a_queue() as endpoint:
        queue = Queue(endpoint)
        bare, ours = measured(queue, made.var, "drain"), measured(queue, made.var, "consume")
        seconds, is_right, killed = shuffled(queue, made.var)
    figures = [
        Measurement(what="events to queued", ours=ours, rival=bare, unit="/s", at_least=200),
        Measurement(
            what="10,000 events end in exactly the right library (1 is yes)", ours=float(is_right), unit="", at_least=1
        ),
        Measurement(what="until they did, reading and a killed consumer included", ours=seconds, unit="s"),
    ]
    notes = [
        f"{CONSUMERS} consumers side by side, a queue of our own beside them, one event a message; the rival only "
        "receives and deletes.",
        f"The 10,000: {KEYS:,} objects put, overwritten, removed {TIMES} times each, {DUPLICATES:,} events again (one "
        f"ten times), shuffled; a consumer was killed after {killed:,} of them.",
    ]
    return Report("consume_events against a bare loop", figures, notes)


class Queue:
    """The queue, as somebody who sends."""

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
            entries = [{"Id": str(n), "MessageBody": each} for n, each in enumerate(bodies[start : start + 10])]
            self.client.send_message_batch(QueueUrl=self.url, Entries=entries)

    def left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        said = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(said[name]) for name in names)


def measured(queue: Queue, var: Path, job: str) -> float:
    queue.send([event("ObjectCreated:Put", f"rate/{each}.jpg", each) for each in range(MEASURED)])
    said = [
        subprocesses.answer(each) for each in [subprocesses.started(var, job, **queue.env) for _ in range(CONSUMERS)]
    ]
    assert sum(each["messages"] for each in said) == MEASURED
    return MEASURED / (max(each["ended"] for each in said) - min(each["began"] for each in said))


def shuffled(queue: Queue, var: Path) -> tuple[float, bool, int]:
    """Seconds, whether the library is right, and after how many messages a consumer was killed."""
    fake, news = truth()
    with serving(fake) as endpoint:
        env = {**queue.env, "AWS_ENDPOINT_URL_S3": endpoint}
        queue.send(news)
        began = time.monotonic()
        victim, other = (subprocesses.started(var, "consume", **env) for _ in range(2))
        while (left := queue.left()) > len(news) * 2 // 3:
            time.sleep(0.1)
        victim.kill()
        victim.communicate()
        subprocesses.answer(other)
        while queue.left():  # what the dead one had taken comes again when its time is over
            time.sleep(5)
            subprocesses.done(var, "consume", **env)
        for reader in [subprocesses.started(var, "read", **env) for _ in range(2)]:
            subprocesses.answer(reader, seconds=900)
        seconds, library = time.monotonic() - began, subprocesses.done(var, "library", **env)
    expected = [[key, fake.etag(key)] for key in sorted(fake.objects) if key.startswith("p/")]
    found = [pair for pair in library["pairs"] if pair[0].startswith("p/")]
    return seconds, found == expected and library["most"] == 1, len(news) - left


def truth() -> tuple[FakeS3, list[str]]:
    """A bucket as it is in the end, and what was said of it until then, in disorder."""
    chance, fake = random.Random(6), FakeS3()
    looks, news, order = [drawn(number) for number in range(LOOKS)], list[str](), itertools.count()
    for number in range(KEYS):
        key, removals = f"p/{number:05}.jpg", [chance.random() < GONE for _ in range(TIMES)]
        for is_removal in removals:
            name = "ObjectRemoved:Delete" if is_removal else "ObjectCreated:Put"
            news.append(event(name, key, next(order)))
        if not removals[-1]:
            fake.put(key, looks[number % LOOKS] + key.encode())
    twice = chance.sample(news, DUPLICATES - 8)
    news += [*twice, *[twice[0]] * 8]
    chance.shuffle(news)
    return fake, news


def drawn(number: int) -> bytes:
    stream = io.BytesIO()
    photo(number, 160, 120).save(stream, "JPEG", quality=80)
    return stream.getvalue()


def event(name: str, key: str, order: int) -> str:
    told: dict[str, Any] = {"key": key, "sequencer": f"{order + 0x55AED6DCD90281:X}"}
    record = {"eventVersion": "2.1", "eventName": name, "s3": {"bucket": {"name": "photos"}, "object": told}}
    return json.dumps({"Records": [record]})


if __name__ == "__main__":
    print(measure().to_json())
