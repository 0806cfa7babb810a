"""Messages of sinks about changed pictures."""

from __future__ import annotations

import logging
from collections.abc import Collection

from analysis.delivery import documents, outbox
from analysis.models import Delivery, Sink, Viewer
from analysis.search.results import Search
from analysis.search.syntax.parser import InvalidQuery, parse

logger = logging.getLogger(__name__)

EVERYONE = Viewer(user_id=None, sees_all=True)
"""Sinks are set up by staff and are about all pictures."""


def match(image_ids: Collection[int]) -> None:
    """Queue a message for each active sink about the pictures that it is for."""
    sinks = list(Sink.objects.filter(is_active=True).order_by("pk"))
    matching = {sink: matching_ids(sink, image_ids) for sink in sinks}
    images = documents.image_documents(set().union(*matching.values()))
    outbox.add(
        Delivery(sink=sink, image_id=image_id, payload=documents.image_message(images[image_id]))
        for sink, ids in matching.items()
        for image_id in sorted(ids)
        if image_id in images
    )


def matching_ids(sink: Sink, image_ids: Collection[int]) -> set[int]:
    """Those of these pictures that the sink's search finds; none in the trash."""
    try:
        return Search(parse(sink.query), EVERYONE).matching(image_ids)
    except InvalidQuery as error:  # checked when it was saved: the language has changed since
        Sink.objects.filter(pk=sink.pk).update(trouble=str(error))
        return set()
