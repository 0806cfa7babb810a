"""Adds pictures and queues their analyses; run by `manage.py shell -c`."""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model

from analysis import tasks
from analysis.models import Image
from analysis.recognition import enqueue, registry
from analysis.storage import blobs
from bench.photos import photo

BATCH_SIZE = 1_000
WIDTH, HEIGHT = 160, 120


def fill(count: int, *, size: int) -> None:
    """Add pictures of `size` bytes: a JPEG followed by random bytes."""
    owner, _ = get_user_model().objects.get_or_create(username="bench")
    folder = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    stream = io.BytesIO()
    photo(1, WIDTH, HEIGHT).save(stream, "JPEG", quality=80)
    for start in range(0, count, BATCH_SIZE):
        Image.objects.bulk_create(
            _store(stream.getvalue(), size, folder, owner.pk) for _ in range(min(BATCH_SIZE, count - start))
        )


def _store(jpeg: bytes, size: int, folder: Path, owner_id: int) -> Image:
    content = jpeg + os.urandom(size - len(jpeg))
    key = blobs.original_key(".jpg")
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Image(
        owner_id=owner_id,
        filename=path.name,
        key=key,
        renditions_id=uuid.uuid4(),
        sha256=hashlib.sha256(content).hexdigest(),
        size=size,
        width=WIDTH,
        height=HEIGHT,
        format=Image.Format.JPEG,
        orientation=1,  # upright, so that originals are sent as they are
    )


def queue(count: int) -> None:
    """Queue label analyses as bulk work, without a message to the workers."""
    unanalyzed = Image.objects.filter(analyses=None).order_by("pk").values_list("pk", flat=True)
    ids = list(unanalyzed[:count])
    if len(ids) < count:
        raise ValueError(f"Only {len(ids)} of {count} pictures without analyses are left.")
    for start in range(0, count, BATCH_SIZE):
        enqueue.enqueue(ids[start : start + BATCH_SIZE], apis=["labels"], is_bulk=True)


def announce(times: int) -> None:
    """Send messages to the workers, as every request of up to 1,000 pictures does."""
    for _ in range(times):
        tasks.run_recognition.delay(recognizer=registry.current().name, api="labels")
