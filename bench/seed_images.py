"""Pictures put straight into storage and database, and their analyses queued. Run by `manage.py shell -c`."""

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
    """Add pictures of `size` bytes each: one small JPEG that random bytes follow, so no two are the same."""
    owner, _ = get_user_model().objects.get_or_create(username="bench")
    folder = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    drawing = io.BytesIO()
    photo(1, WIDTH, HEIGHT).save(drawing, "JPEG", quality=80)
    for start in range(0, number, STEP):
        Image.objects.bulk_create(
            _kept(drawing.getvalue(), size, folder, owner.pk) for _ in range(min(STEP, number - start))
        )


def _kept(drawing: bytes, size: int, folder: Path, owner_id: int) -> Image:
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
        orientation=1,  # so originals are sent as they are, without work on pixels
    )


def queue(number: int) -> None:
    """Queue the labels of that many pictures that were never asked about, as bulk work, and tell nobody."""
    fresh = Image.objects.filter(analyses=None).order_by("pk").values_list("pk", flat=True)
    ids = list(fresh[:number])
    if len(ids) < number:
        raise ValueError(f"{number} pictures are to be asked about, {len(ids)} are left.")
    for start in range(0, number, STEP):
        enqueue.enqueue(ids[start : start + STEP], apis=["labels"], is_bulk=True)


def announce(times: int) -> None:
    """Say that there is work, as each request of up to 1,000 pictures does."""
    for _ in range(times):
        tasks.run_recognition.delay(recognizer=registry.current().name, api="labels")
