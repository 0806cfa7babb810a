"""Adding images: examine, store, queue for analysis."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import IO

from django.db import transaction

from analysis import tasks
from analysis.ingest.decoding_service import examine
from analysis.ingest.examine import Examined
from analysis.ingest.sidecar import with_sidecar
from analysis.ingest.xmp import XmpMetadata
from analysis.library import image_events, images
from analysis.library.images import Added
from analysis.models import Image
from analysis.recognition import enqueue, registry
from analysis.recognition.embeddings import queue as embedding_queue
from analysis.recognition.reindex_images import reindex
from analysis.storage import renditions

RUN_SECONDS = 60.0
"""Seconds after which a task sends itself again, long before the broker would deliver it to another worker."""


def ingest_file(
    file: IO[bytes],
    *,
    name: str,
    owner_id: int,
    sidecar: XmpMetadata | None = None,
    folder: str = "",
    visibility: int = Image.Visibility.PRIVATE,
) -> Added:
    """Examine, store and analyze a file, with the metadata of its sidecar.

    Raises InvalidImage or StorageError; then nothing is stored.
    """
    examined = examine(file, name=name, limits=renditions.limits())
    examined = with_sidecar(examined, sidecar) if sidecar else examined
    return store_image(examined, file, owner_id=owner_id, folder=folder, visibility=visibility)


def store_image(
    examined: Examined,
    file: IO[bytes],
    *,
    owner_id: int,
    is_bulk: bool = False,
    folder: str = "",
    visibility: int = Image.Visibility.PRIVATE,
) -> Added:
    """Store an examined image and queue its analyses. Raises StorageError."""
    # Files before the row and outside its transaction, since writing to S3 takes seconds, in which locks would be held.
    stored = images.store_files(examined, file, owner_id=owner_id, folder=folder, visibility=visibility)
    with transaction.atomic():
        added = images.add(stored)
        if added.is_new:
            process_new(added.image, is_bulk=is_bulk)
    return added


def process_new(image: Image, *, apis: Collection[str] = (), is_bulk: bool = False) -> None:
    """Make the keywords searchable at once; queue analyses and the embedding."""
    if image.file_keywords.exists():
        reindex([image.pk], apis=())
    image_events.record_changed([image.pk])
    embedding_queue.enqueue([image.pk])
    supported = [api for api in registry.current().apis if api in apis]
    request_analysis(image_ids=[image.pk], apis=supported or None, is_bulk=is_bulk)


def request_analysis(
    *, image_ids: Iterable[int], apis: Iterable[str] | None = None, is_bulk: bool = False, is_forced: bool = False
) -> int:
    """Queue analyses, by default with all configured APIs.

    `is_forced`: even if a result exists. Returns the number of queued analyses.
    """
    requested = registry.enabled_apis() if apis is None else list(apis)
    with transaction.atomic():
        number = enqueue.enqueue(image_ids, apis=requested, is_bulk=is_bulk, is_forced=is_forced)
        # On commit, since a worker would find nothing before it.
        for api in requested if number else ():
            tasks.run_recognition.delay_on_commit(recognizer=registry.current().name, api=api)
    return number
