"""Queues messages of sinks about pictures."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from analysis.delivery import documents, outbox, registry
from analysis.delivery.channels.object_tags import TaggedBucket
from analysis.models import Delivery, Image, Sink, Viewer
from analysis.search.results import Search
from analysis.search.syntax.parser import InvalidQuery, parse

logger = logging.getLogger(__name__)

EVERYONE = Viewer(user_id=None, sees_all=True)
"""Sinks are set up by staff and are about all pictures."""


def match(image_ids: Collection[int]) -> None:
    """Queue messages of all active sinks about those of the pictures they are for."""
    queue(list(Sink.objects.filter(is_active=True).order_by("pk")), image_ids)


def queue(sinks: Sequence[Sink], image_ids: Collection[int]) -> int:
    """Queue messages of these sinks about those of the pictures they are for.

    Returns their number.
    """
    matching = {sink: matching_ids(sink, image_ids) for sink in sinks}
    images = documents.full_image_documents(set().union(*matching.values()))
    buckets = registry.taggable_buckets() if any(_sets_tags(sink) for sink in sinks) else ()
    added = outbox.add(
        Delivery(sink=sink, image_id=image_id, payload=documents.image_message(images[image_id]))
        for sink, ids in matching.items()
        for image_id in sorted(ids)
        if image_id in images and is_for(sink, images[image_id], buckets)
    )
    return len(added)


def matching_ids(sink: Sink, image_ids: Collection[int]) -> set[int]:
    """The pictures, of those given, that the sink's search finds; none in the trash."""
    try:
        return Search(parse(sink.query), EVERYONE).matching(image_ids)
    except InvalidQuery as error:  # it was valid when saved, but the language has changed
        Sink.objects.filter(pk=sink.pk).update(last_error=str(error))
        return set()


def without_image(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Messages of sinks about pictures that were deleted since, or moved to the trash."""
    about = [row for row in deliveries if row.sink_id is not None and row.image_id is not None]
    present = Image.objects.filter(pk__in={row.image_id for row in about}, trashed_at=None)
    ids = set(present.values_list("pk", flat=True)) if about else set()
    return [row for row in about if row.image_id not in ids]


def is_for(sink: Sink, image: Mapping[str, Any], buckets: Sequence[TaggedBucket]) -> bool:
    """False if the sink sets tags and the picture is not in a bucket that allows it."""
    return not _sets_tags(sink) or any(bucket.has(image) for bucket in buckets)


def _sets_tags(sink: Sink) -> bool:
    return sink.channel == Sink.Channel.OBJECT_TAGS
