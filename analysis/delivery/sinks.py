"""Actions on sinks: test, resume, dry run, existing pictures; their counts."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis import audit_log
from analysis.delivery import documents, outbox, registry, sink_matching, sink_runs
from analysis.delivery.base import Message, Outcome
from analysis.delivery.channels.object_tags import ObjectTagsChannel, note_of
from analysis.delivery.signatures import new_secret
from analysis.delivery.size_limit import Document
from analysis.delivery.tag_plan import TagPlan
from analysis.models import AuditEntry, Delivery, Image, Sink, SinkRun
from analysis.search import results
from analysis.search.syntax.parser import parse

COUNT_CAP = 10_000
PREVIEW_IMAGES = 20
PREVIEW_SEARCHED = 5_000
"""Pictures of the search among which some in buckets are looked for."""
_THREADS = 8

# The count of each state reads no more index entries than the maximum that is shown.
_COUNTS = """
    SELECT sink.id, state.name,
        (SELECT count(*) FROM (SELECT FROM analysis_delivery d WHERE d.sink_id = sink.id AND d.state = state.name
                               LIMIT %s) counted)
    FROM analysis_sink sink CROSS JOIN unnest(%s::text[]) AS state(name)
"""


class SinkRefused(Exception):
    """An action on a sink is not possible. The message says why."""


@dataclass(frozen=True)
class TagPreview:
    """An object and its tags before and after; `error` if they could not be read."""

    image_id: int
    file_name: str
    object_name: str
    added: dict[str, str]
    removed: dict[str, str]
    unchanged: dict[str, str]
    note: str = ""
    error: str = ""

    @property
    def is_change(self) -> bool:
        return bool(self.added or self.removed)


def add(sink: Sink, *, by_id: int | None) -> Sink:
    """Save a new sink. One that sets tags is paused until its dry run."""
    sink.is_active = sink.channel != Sink.Channel.OBJECT_TAGS
    if sink.channel == Sink.Channel.WEBHOOK:
        sink.secret = new_secret()
    with transaction.atomic():
        sink.save()
        audit_log.record(AuditEntry.Action.ADD, sink, by_id=by_id)
    return sink


def change(sink: Sink, *, by_id: int | None) -> None:
    """Save changed settings of a sink. Other tags need a new dry run."""
    before = Sink.objects.get(pk=sink.pk)
    needs_approval = sink.channel == Sink.Channel.OBJECT_TAGS and approval_of(sink) != approval_of(before)
    # Only the settings, since the sender may be saving the sink's state.
    fields = {"name": sink.name, "query": sink.query, "address": sink.address, "options": sink.options}
    # Past failures were caused by the previous settings.
    fresh = {"failures": 0, "retry_at": None}
    with transaction.atomic():
        Sink.objects.filter(pk=sink.pk).update(**fields, **fresh, **({"is_active": False} if needs_approval else {}))
        audit_log.record(AuditEntry.Action.CHANGE, sink, by_id=by_id)


@transaction.atomic
def delete(sink: Sink, *, by_id: int | None) -> None:
    """Delete a sink with its messages; data already sent is kept."""
    audit_log.record(AuditEntry.Action.REMOVE, sink, by_id=by_id)
    sink.delete()


def send_test(sink: Sink) -> Outcome:
    """Send a test message directly; its success ends a pause after failures."""
    payload = documents.test_message(documents.search_document(name=sink.name, query=sink.query))
    message = Message(str(uuid.uuid4()), Delivery.Kind.TEST, payload, now())
    [outcome] = registry.channel_of(sink).send([message])
    if outcome.is_delivered and sink.is_active:
        outbox.enable(sink)
    return outcome


def resume(sink: Sink, *, approval: str = "") -> None:
    """Resume a sink, so that messages are sent again.

    `approval`: the value shown by the dry run of these settings; required for tags. Raises SinkRefused.
    """
    is_approved = sink.channel != Sink.Channel.OBJECT_TAGS or constant_time_compare(approval, approval_of(sink))
    if not is_approved:
        raise SinkRefused(_("Check the dry run first, then activate the sink there."))
    outbox.enable(sink)


def approval_of(sink: Sink) -> str:
    """A value that only the dry run of exactly these settings shows."""
    settings = json.dumps([sink.pk, sink.query, sink.options], sort_keys=True)
    # Keyed, so that the value is only known from the page of the dry run.
    return salted_hmac("analysis.delivery.sinks", settings, algorithm="sha256").hexdigest()


def start_run(sink: Sink) -> SinkRun:
    """Queue messages about all pictures of the sink's search. Raises SinkRefused."""
    if not sink.is_active:
        raise SinkRefused(_("Resume the sink first."))
    with transaction.atomic():
        # Locked, so that two clicks start only one run.
        Sink.objects.select_for_update().get(pk=sink.pk)
        if SinkRun.objects.filter(sink=sink, state=SinkRun.State.RUNNING).exists():
            raise SinkRefused(_("Existing pictures are already being sent."))
        return sink_runs.start(sink)


def preview_tags(sink: Sink) -> list[TagPreview]:
    """The tags that some pictures would get. Nothing is written."""
    channel = registry.object_tags_channel(sink)
    images = list(_tagged_images(sink, channel))
    with ThreadPoolExecutor(_THREADS) as threads:
        plans = list(threads.map(channel.plan, images))
    return [_preview(image, plan) for image, plan in zip(images, plans, strict=True)]


def counts() -> dict[int, dict[str, int]]:
    """The messages of each sink by state, up to COUNT_CAP + 1."""
    by_sink: dict[int, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [COUNT_CAP + 1, Delivery.State.values])
        for sink_id, state, count in cursor.fetchall():
            by_sink.setdefault(sink_id, {})[state] = count
    return by_sink


def _tagged_images(sink: Sink, channel: ObjectTagsChannel) -> Iterator[Document]:
    """Documents of the newest pictures of the search that are in buckets with tags."""
    ids = results.image_ids(parse(sink.query), viewer=sink_matching.EVERYONE, limit=PREVIEW_SEARCHED)
    allowed = Image.objects.filter(pk__in=ids, bucket__may_tag=True).order_by("-pk")[:PREVIEW_IMAGES]
    for image in documents.full_image_documents(list(allowed.values_list("pk", flat=True))).values():
        if sink_matching.is_for(sink, image, channel.buckets):
            yield image


def _preview(image: Document, plan: TagPlan | Outcome) -> TagPreview:
    location = f"{image['bucket']}/{image['key']}"
    if isinstance(plan, Outcome):
        return TagPreview(image["id"], image["file_name"], location, {}, {}, {}, error=plan.error)
    before, after = plan.before, plan.after
    return TagPreview(
        image["id"],
        image["file_name"],
        location,
        added={name: value for name, value in after.items() if before.get(name) != value},
        removed={name: value for name, value in before.items() if name not in after},
        unchanged={name: value for name, value in after.items() if before.get(name) == value},
        note=note_of(plan),
    )
