"""Adds and queues pictures without an upload; run by `manage.py shell -c`."""

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

STEP = 1_000
WIDTH, HEIGHT = 160, 120


def fill(number: int, *, size: int) -> None:
    """Add unique pictures: the same small JPEG followed by random bytes."""
    owner, _ = get_user_model().objects.get_or_create(username="bench")
    folder = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    drawing = io.BytesIO()
    photo(1, WIDTH, HEIGHT).save(drawing, "JPEG", quality=80)
    for start in range(0, number, STEP):
        Image.objects.bulk_create(
            _stored(drawing.getvalue(), size, folder, owner.pk) for _ in range(min(STEP, number - start))
        )


def _stored(drawing: bytes, size: int, folder: Path, owner_id: int) -> Image:
    content = drawing + os.urandom(size - len(drawing))
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
        orientation=1,  # upright, so originals are sent as they are
    )


def queue(number: int) -> None:
    """Queue pictures without analyses as bulk work, without sending a message."""
    new = Image.objects.filter(analyses=None).order_by("pk").values_list("pk", flat=True)
    ids = list(new[:number])
    if len(ids) < number:
        raise ValueError(f"Only {len(ids)} pictures without analyses are left, not {number}.")
    for start in range(0, number, STEP):
        enqueue.enqueue(ids[start : start + STEP], apis=["labels"], is_bulk=True)


def announce(times: int) -> None:
    """Send the message that each request of up to 1,000 pictures sends."""
    for _ in range(times):
        tasks.run_recognition.delay(recognizer=registry.current().name, api="labels")
