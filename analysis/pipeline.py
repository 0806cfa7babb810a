"""The way of one picture, in one screen: examine, keep, ask, announce."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, cast
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from analysis import tasks
from analysis.batches import states
from analysis.curation import bulk, labels_changed, later
from analysis.curation.bulk import Selection
from analysis.curation.labels_changed import Wanted
from analysis.ingest import folder
from analysis.ingest.examine import Examined, examine
from analysis.ingest.pool import Outcome, examine_all
from analysis.models import Batch, Bucket, Change, ChangedImage, Image, Ticket
from analysis.recognition import asking, recognizers, renewing
from analysis.sources.queue import Message, Queue
from analysis.store import blobs, consuming, library, renditions, syncing, uploads
from analysis.store.audit import Audit, Step
from analysis.store.library import Added


@dataclass(frozen=True)
class Imported:
    """One file's end: added or already here, refused for good, or not stored this time."""

    path: Path | None
    added: Added | None = None
    refusal: Exception | None = None


def receive(file: IO[bytes], *, name: str, owner_id: int) -> Added:
    """Take a picture in. Raises ingest's Rejected or blobs.StorageFailed with a sentence; then nothing of it stays."""
    return keep(examine(file, name=name, limits=renditions.limits()), file, owner_id=owner_id)


def keep(examined: Examined, file: IO[bytes], *, owner_id: int, is_bulk: bool = False) -> Added:
    """Keep an examined picture and have it analyzed, both or neither. Raises blobs.StorageFailed."""

    def ask(image: Image) -> None:
        request(image_ids=[image.pk], is_bulk=is_bulk)

    return library.add(examined, file, owner_id=owner_id, then=ask)


def complete(ticket_id: UUID, *, owner_id: int) -> Ticket:
    """A browser has sent everything: look at it, here if the bytes came to us anyway, else in a worker.

    Raises uploads.Refused for a ticket that is not what it is taken for.
    """
    ticket = uploads.arrived(ticket_id, owner_id=owner_id)
    if ticket.state == Ticket.State.ARRIVED:
        if blobs.takes_uploads():
            tasks.check_uploads.delay_on_commit()
        else:
            uploads.check(ticket.pk, then=tasks.analyze)
            ticket.refresh_from_db()
    return ticket


def sync_bucket(
    bucket: Bucket, *, options: syncing.Options, retries_failed: bool = False
) -> Generator[syncing.Found, None, None]:
    """Compare a bucket with the library and have read what is new or changed; yields what was found so far.

    `retries_failed`: pictures whose last analysis failed are asked about again. Stop by closing the iterator. Raises
    syncing.Busy, or Refused with what the bucket says; another run goes on from there.
    """
    found = syncing.Found()

    def announce() -> None:
        tasks.read_bucket.delay(bucket_id=bucket.pk)

    for found in syncing.sync(bucket, options=options, announce=announce):
        yield found
    found.failed_analyses = syncing.count_failed(bucket, options=options, failed=renewing.failed_last(bucket.pk))
    if retries_failed and not options.is_dry:
        retry_failed(bucket)
    yield found


def start_sync(bucket: Bucket, *, trashes_missing: bool = False) -> None:
    """Have a worker do the same."""
    tasks.sync_bucket.delay_on_commit(bucket_id=bucket.pk, trashes_missing=trashes_missing)


def retry_failed(bucket: Bucket) -> int:
    """Ask again about the pictures of a bucket whose last analysis failed; answers how many they are."""
    failed = renewing.failed_last(bucket.pk)
    for api, pairs in groupby(failed, key=itemgetter(0)):
        request(image_ids=[image_id for _, image_id in pairs], apis=[api], is_bulk=True)
    return len({image_id for _, image_id in failed})


def consume_events(queue: Queue, *, stop: consuming.Stop, until_empty: bool = False) -> Iterator[consuming.Tally]:
    """Take in what S3 says through a queue, until it is stopped."""
    return consuming.consume(queue, announce=tasks.announce, stop=stop, until_empty=until_empty)


def replay_events(dead: Queue) -> Iterator[tuple[Message, str]]:
    """Take in what lies in the dead-letter queue; yields each message and why it stays, if it does."""
    return consuming.replay(dead, announce=tasks.announce)


def import_files(paths: Iterable[Path], *, owner_id: int) -> Iterator[Imported]:
    """Take in files and folders, examined on all cores. Safe to stop at any time and to run again."""
    for outcome in examine_all(folder.pictures_in(paths), limits=renditions.limits()):
        yield _keep_file(outcome, owner_id=owner_id)


def _keep_file(outcome: Outcome, *, owner_id: int) -> Imported:
    if outcome.path is None or outcome.examined is None:
        return Imported(outcome.path, refusal=outcome.refusal)
    try:
        with outcome.path.open("rb") as file:
            return Imported(outcome.path, added=keep(outcome.examined, file, owner_id=owner_id, is_bulk=True))
    except (OSError, blobs.StorageFailed) as error:
        return Imported(outcome.path, refusal=error)


def request(
    *, image_ids: Iterable[int], apis: Iterable[str] | None = None, is_bulk: bool = False, is_forced: bool = False
) -> int:
    """Have pictures analyzed, by default with every wanted API; `is_forced`, although an answer is stored.

    Answers how many analyses that makes.
    """
    asked = recognizers.wanted_apis() if apis is None else list(apis)
    with transaction.atomic():
        number = asking.enqueue(image_ids, apis=asked, is_bulk=is_bulk, is_forced=is_forced)
        for api in asked if number else ():
            tasks.work.delay_on_commit(recognizer=recognizers.current().name, api=api)
    return number


def run_batch(batch: Batch, *, named: Iterable[int] = ()) -> None:
    """Set a bulk run going; `named`, the pictures' ids where it names them one by one."""
    with transaction.atomic():
        if batch.pk is None:
            states.prepare(batch, named=named)
        else:  # prepared to be weighed, which told these
            batch.save(update_fields=["expected", "budget"])
        resume_batch(batch.pk)
    batch.refresh_from_db()


def resume_batch(batch_id: int, *, budget: Decimal | None = None) -> bool:
    """Let one that is at rest go on, in the background, with another budget if one is given; False when there is
    nothing to resume.
    """
    with transaction.atomic():
        is_resumed = states.resume(batch_id, budget=budget)
        if is_resumed:
            tasks.lay_out.delay_on_commit(batch_id=batch_id)
    return is_resumed


def audit(*, is_repairing: bool, is_verifying: bool, owner_id: int | None) -> Iterator[Step]:
    """Hold rows and blobs against each other; originals nobody owns become pictures of this owner, if there is one.

    Raises blobs.StorageFailed.
    """

    def bring_in(file: IO[bytes], name: str) -> Image:
        return receive(file, name=name, owner_id=cast(int, owner_id)).image

    return Audit(is_repairing, None if owner_id is None else bring_in, is_verifying).run()


def change_later(selection: Selection, action: str, **of_what: Any) -> Change:
    """Do something to every hit of a search, in the background. Raises Refused."""
    with transaction.atomic():
        change = later.begin(selection, action, **of_what)
        tasks.go_on_changing.delay_on_commit(change_id=change.pk)
    return change


def undo(token: int, *, by: AbstractBaseUser, at_once: int) -> Change:
    """Undo a bulk command; in the background where it changed more than `at_once`, and what goes on there anyway.

    Raises Refused.
    """
    is_open = Change.objects.filter(pk=token, is_open=True).exists()
    if not is_open and ChangedImage.objects.filter(change=token)[: at_once + 1].count() <= at_once:
        return bulk.undo(token, by=by)
    with transaction.atomic():
        change = later.undo(token, by=by)
        tasks.go_on_changing.delay_on_commit(change_id=change.pk)
    return change


def sync_later(bucket_id: int) -> None:
    """Have a bucket compared with the library by a worker."""
    tasks.sync_bucket.delay_on_commit(bucket_id=bucket_id)


def change_label(label_id: int, wanted: Wanted) -> None:
    """Save what a person makes of a label; the pictures follow in the background. Raises Refused."""
    with transaction.atomic():
        _reread(labels_changed.change(label_id, wanted))


def merge_labels(label_ids: list[int], *, into_id: int) -> None:
    """Have one label stand for others. Raises Refused."""
    with transaction.atomic():
        _reread(labels_changed.merge(label_ids, into_id=into_id))


def _reread(label_ids: list[int]) -> None:
    for label_id in label_ids:
        tasks.reread_label.delay_on_commit(label_id=label_id)
