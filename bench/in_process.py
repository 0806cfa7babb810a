"""What benches have done inside a library: `python -m bench.in_process NAME ARGUMENT …`, its answer printed as JSON."""

from __future__ import annotations

import itertools
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from analysis import pipeline, tasks  # noqa: E402
from analysis.aws import s3_objects, sqs  # noqa: E402
from analysis.bucket_sync import sync as bucket_sync_sync  # noqa: E402
from analysis.bucket_sync.event_consumer import StopFlag  # noqa: E402
from analysis.models import Bucket, BucketObject, Image  # noqa: E402


def megabytes() -> float:
    """The most that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def a_bucket() -> Bucket:
    owner, _ = get_user_model().objects.get_or_create(username="bench")
    return Bucket.objects.get_or_create(name="photos", defaults={"owner": owner, "region": "us-east-1"})[0]


def sync() -> dict[str, float]:
    """All of a bucket compared; and the memory after its first pages, and at its end."""
    bucket, began, early = a_bucket(), time.perf_counter(), 0.0
    found = bucket_sync_sync.SyncCounts()
    for found in pipeline.sync_bucket(bucket, options=bucket_sync_sync.SyncOptions()):
        if not early and found.listed >= 10_000:
            early = megabytes()
    return {"seconds": time.perf_counter() - began, "early": early, "late": megabytes(), **vars(found)}


def listing() -> dict[str, float]:
    """The rival: the paginator of boto3's client, and nothing done with what it says."""
    client, began = s3_objects.client(region="us-east-1"), time.perf_counter()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="photos")
    listed = sum(len(page["Contents"]) for page in pages)
    return {"seconds": time.perf_counter() - began, "listed": listed}


def consume() -> dict[str, float]:
    a_bucket()
    events = sqs.connect(settings.EVENTS_QUEUE_URL, region="us-east-1")
    events.dead_letter_queue()
    return _timed(tally.messages for tally in pipeline.consume_events(events, stop=StopFlag(), until_empty=True))


def drain() -> dict[str, float]:
    """The rival: received and deleted, and nothing in between."""
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


def read() -> dict[str, float]:
    """As workers do it, until nothing waits."""
    bucket = a_bucket()
    while BucketObject.objects.filter(bucket=bucket, state="waiting", next_attempt_at__lte=Now()).exists():
        tasks.import_bucket_objects(bucket_id=bucket.pk)
    return {"pictures": Image.objects.filter(bucket=bucket, trashed_at=None).count()}


def library() -> dict[str, Any]:
    """Key and etag of every picture that is there, and how often each key is."""
    bucket = a_bucket()
    rows = Image.objects.filter(bucket=bucket, trashed_at=None).order_by("key").values_list("key", "etag")
    pairs = list(rows.iterator())
    return {
        "pairs": pairs,
        "most": max((len(list(group)) for _, group in itertools.groupby(pairs, lambda p: p[0])), default=0),
    }


JOBS: dict[str, Callable[[], dict[str, Any]]] = {
    each.__name__: each for each in (sync, listing, consume, drain, read, library)
}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]]()))
