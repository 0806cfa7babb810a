"""Jobs of benches that need Django; print JSON: python -m bench.in_process NAME."""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import django
import requests

django.setup()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count
from django.db.models.functions import Now

from analysis import pipeline, tasks
from analysis.aws import s3_objects, sqs
from analysis.bucket_sync.event_consumer import StopFlag
from analysis.bucket_sync.sync import SyncCounts, SyncOptions
from analysis.delivery import outbox, sender, signatures
from analysis.models import Bucket, BucketObject, Delivery, Image, Sink
from bench.deliveries import MESSAGES, PICTURES


def peak_memory() -> float:
    """Largest resident set of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def get_bucket() -> Bucket:
    owner, _ = get_user_model().objects.get_or_create(username="bench")
    return Bucket.objects.get_or_create(name="photos", defaults={"owner": owner, "region": "us-east-1"})[0]


def sync() -> dict[str, float]:
    """Sync all of a bucket; measure the memory after its first pages and at the end."""
    bucket, began, early = get_bucket(), time.perf_counter(), 0.0
    counts = SyncCounts()
    for counts in pipeline.sync_bucket(bucket, options=SyncOptions()):
        if not early and counts.listed >= 10_000:
            early = peak_memory()
    return {"seconds": time.perf_counter() - began, "early": early, "late": peak_memory(), **vars(counts)}


def list_keys() -> dict[str, float]:
    """Baseline of `sync`: boto3's paginator, whose keys are only counted."""
    client, began = s3_objects.client(region="us-east-1"), time.perf_counter()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="photos")
    listed = sum(len(page["Contents"]) for page in pages)
    return {"seconds": time.perf_counter() - began, "listed": listed}


def consume() -> dict[str, float]:
    get_bucket()
    events = sqs.connect(settings.EVENTS_QUEUE_URL, region="us-east-1")
    events.dead_letter_queue()
    return _timed(tally.messages for tally in pipeline.consume_events(events, stop=StopFlag(), until_empty=True))


def drain() -> dict[str, float]:
    """Baseline of `consume`: messages are received and deleted."""
    events = sqs.connect(settings.EVENTS_QUEUE_URL, region="us-east-1")

    def batches() -> Iterator[int]:
        total = 0
        while messages := events.receive(wait=1):
            events.delete(messages)
            total += len(messages)
            yield total

    return _timed(batches())


def _timed(totals: Iterator[int]) -> dict[str, float]:
    began = last = time.time()
    total = 0
    for number in totals:
        last, total = time.time(), number
    return {"began": began, "ended": last, "messages": total}


def import_objects() -> dict[str, float]:
    """Import all waiting objects as workers do."""
    bucket = get_bucket()
    while BucketObject.objects.filter(bucket=bucket, state="waiting", next_attempt_at__lte=Now()).exists():
        tasks.import_bucket_objects(bucket_id=bucket.pk)
    return {"pictures": Image.objects.filter(bucket=bucket, trashed_at=None).count()}


def library() -> dict[str, Any]:
    """Key and ETag of all pictures, and the largest number of pictures with one key."""
    bucket = get_bucket()
    rows = Image.objects.filter(bucket=bucket, trashed_at=None).order_by("key").values_list("key", "etag")
    pairs = list(rows.iterator())
    return {
        "pairs": pairs,
        "max_per_key": max(
            (len(list(group)) for _, group in itertools.groupby(pairs, lambda pair: pair[0])), default=0
        ),
    }


def queue_messages() -> dict[str, Any]:
    """Queue messages of one sink, several about each picture."""
    owner = get_user_model().objects.get(username="bench")
    # Rows without files, since messages about pictures that do not exist are not sent.
    Image.objects.bulk_create(_row(owner.pk, pk) for pk in range(1, PICTURES + 1))
    sink = Sink.objects.create(
        name="bench", channel="webhook", address=os.environ["SINK_URL"], secret=signatures.new_secret()
    )
    for start in range(0, MESSAGES, 1_000):
        numbers = range(start, start + 1_000)
        outbox.add(Delivery(sink=sink, image_id=number % PICTURES + 1, payload=message(number)) for number in numbers)
    return {"queued": MESSAGES}


def _row(owner_id: int, pk: int) -> Image:
    size = {"size": 1_000, "width": 1_200, "height": 800, "format": "jpeg"}
    names = {"filename": f"{pk}.jpg", "key": f"originals/{pk}.jpg", "sha256": f"{pk:064x}"}
    return Image(pk=pk, owner_id=owner_id, renditions_id=uuid.uuid4(), **names, **size)


def send_messages() -> dict[str, Any]:
    """Send messages as a worker does, until none is queued."""
    while Delivery.objects.filter(state="waiting").exists():
        if not sender.send_some():
            time.sleep(0.1)
    return {"states": dict(Delivery.objects.values_list("state").annotate(number=Count("pk")))}


def post_all() -> dict[str, Any]:
    """Baseline of `send_messages`: post the bodies in a loop."""
    began = time.perf_counter()
    with requests.Session() as session:
        for number in range(MESSAGES):
            body = json.dumps({"id": str(number), **message(number)}).encode()
            session.post(os.environ["SINK_URL"], data=body, timeout=10).raise_for_status()
    return {"rate": MESSAGES / (time.perf_counter() - began)}


def message(number: int) -> dict[str, Any]:
    labels = [{"name": f"Label {label}", "confidence": 99.0} for label in range(13)]
    return {"version": 1, "event": "image", "image_id": number % PICTURES + 1, "number": number, "labels": labels}


JOBS: dict[str, Callable[[], dict[str, Any]]] = {
    job.__name__: job
    for job in (
        *(sync, list_keys, consume, drain, import_objects, library),
        *(queue_messages, send_messages, post_all),
    )
}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]]()))
