"""The way of one picture, in one screen: examine, keep, ask, announce."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator
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
from analysis.audit.audit import Audit, AuditStep
from analysis.aws.sqs import SqsMessage, SqsQueue
from analysis.batches import authorization, lifecycle, start_tokens
from analysis.bucket_sync import event_consumer, sync
from analysis.curation import bulk, bulk_steps, label_admin
from analysis.curation.bulk import Selection
from analysis.curation.label_admin import LabelUpdate
from analysis.ingest import folder_scan
from analysis.ingest.examine import CHANGED, STILL_WRITTEN, Examined, with_sidecar
from analysis.ingest.process_pool import Outcome, examine_all
from analysis.ingest.service import examine
from analysis.ingest.validation import InvalidImage, clean_name
from analysis.library import images, uploads
from analysis.library.images import Added
from analysis.models import Batch, Bucket, BulkChange, ChangedImage, Image, Upload
from analysis.recognition import enqueue, failed_analyses, registry
from analysis.recognition.search_index import reindex
from analysis.storage import blobs, renditions
from analysis.storage.snapshot import Changed


@dataclass(frozen=True)
class ImportedFile:
    """One file's end: added or already here, refused for good, or not stored this time."""

    path: Path | None
    added: Added | None = None
    refusal: Exception | None = None


def ingest_file(file: IO[bytes], *, name: str, owner_id: int) -> Added:
    """Take a picture in. Raises ingest's Rejected or blobs.StorageFailed with a sentence; then nothing of it stays."""
    return store_image(examine(file, name=name, limits=renditions.limits()), file, owner_id=owner_id)


def store_image(examined: Examined, file: IO[bytes], *, owner_id: int, is_bulk: bool = False) -> Added:
    """Keep an examined picture and have it analyzed, both or neither. Raises blobs.StorageFailed."""

    def ask(image: Image) -> None:
        if image.file_keywords.exists():
            reindex([image.pk], apis=())  # its tags are found at once
        request_analysis(image_ids=[image.pk], is_bulk=is_bulk)

    return images.add(examined, file, owner_id=owner_id, then=ask)


def complete_upload(ticket_id: UUID, *, owner_id: int) -> Upload:
    """A browser has sent everything: look at it, here if the bytes came to us anyway, else in a worker.

    Raises uploads.Refused for a ticket that is not what it is taken for.
    """
    ticket = uploads.mark_uploaded(ticket_id, owner_id=owner_id)
    if ticket.state == Upload.State.ARRIVED:
        if blobs.accepts_direct_uploads():
            tasks.check_uploads.delay_on_commit()
        else:
            uploads.validate_upload(ticket.pk, then=tasks.analyze)
            ticket.refresh_from_db()
    return ticket


def sync_bucket(
    bucket: Bucket, *, options: sync.SyncOptions, retries_failed: bool = False
) -> Generator[sync.SyncCounts, None, None]:
    """Compare a bucket with the library and have read what is new or changed; yields what was found so far.

    `retries_failed`: pictures whose last analysis failed are asked about again. Stop by closing the iterator. Raises
    syncing.Busy, or Refused with what the bucket says; another run goes on from there.
    """
    found = sync.SyncCounts()

    def announce() -> None:
        tasks.import_bucket_objects.delay(bucket_id=bucket.pk)

    for found in sync.sync(bucket, options=options, announce=announce):
        yield found
    found.failed_analyses = sync.count_failed(bucket, options=options, failed=failed_analyses.latest_failed(bucket.pk))
    if retries_failed and not options.is_dry:
        retry_failed(bucket)
    yield found


def start_sync(bucket: Bucket, *, trash_missing: bool = False) -> None:
    """Have a worker do the same."""
    tasks.sync_bucket.delay_on_commit(bucket_id=bucket.pk, trash_missing=trash_missing)


def retry_failed(bucket: Bucket) -> int:
    """Ask again about the pictures of a bucket whose last analysis failed; answers how many they are."""
    failed = failed_analyses.latest_failed(bucket.pk)
    for api, pairs in groupby(failed, key=itemgetter(0)):
        request_analysis(image_ids=[image_id for _, image_id in pairs], apis=[api], is_bulk=True)
    return len({image_id for _, image_id in failed})


def consume_events(
    queue: SqsQueue, *, stop: event_consumer.StopFlag, until_empty: bool = False
) -> Iterator[event_consumer.EventCounts]:
    """Take in what S3 says through a queue, until it is stopped."""
    return event_consumer.consume(queue, announce=tasks.announce_events, stop=stop, until_empty=until_empty)


def replay_events(dead: SqsQueue) -> Iterator[tuple[SqsMessage, str]]:
    """Take in what lies in the dead-letter queue; yields each message and why it stays, if it does."""
    return event_consumer.replay(dead, announce=tasks.announce_events)


def import_files(paths: Iterable[Path], *, owner_id: int, exclude: Collection[str] = ()) -> Iterator[ImportedFile]:
    """Take in files and folders, examined on all cores. Safe to stop at any time and to run again.

    `exclude`: patterns of paths below the folders that are passed over.
    """
    changed = list[Path]()
    found = folder_scan.image_files(paths, exclude=exclude, own_storage=blobs.local_folder())
    for outcome in examine_all(found, limits=renditions.limits()):
        imported = _keep_file(outcome, owner_id=owner_id)
        if imported.path and _has_changed(imported):
            changed.append(imported.path)  # examined once more at the end, when its writer may be done
        else:
            yield imported
    if changed:
        for outcome in examine_all(changed, limits=renditions.limits()):
            yield _keep_file(outcome, owner_id=owner_id)


def _has_changed(imported: ImportedFile) -> bool:
    return isinstance(imported.refusal, InvalidImage) and imported.refusal.code == CHANGED


def _keep_file(outcome: Outcome, *, owner_id: int) -> ImportedFile:
    path = outcome.path
    if path is None or outcome.examined is None:
        return ImportedFile(path, refusal=outcome.refusal)
    examined = with_sidecar(outcome.examined, path)
    try:
        with path.open("rb") as file:
            return ImportedFile(path, added=store_image(examined, file, owner_id=owner_id, is_bulk=True))
    except Changed:
        return ImportedFile(path, refusal=InvalidImage(CHANGED, clean_name(path.name), STILL_WRITTEN))
    except OSError as error:
        reason = f"the file cannot be read ({error.strerror or error})"
        return ImportedFile(path, refusal=InvalidImage("unreadable", clean_name(path.name), reason))
    except blobs.StorageError as error:
        return ImportedFile(path, refusal=error)


def request_analysis(
    *, image_ids: Iterable[int], apis: Iterable[str] | None = None, is_bulk: bool = False, is_forced: bool = False
) -> int:
    """Have pictures analyzed, by default with every wanted API; `is_forced`, although an answer is stored.

    Answers how many analyses that makes.
    """
    asked = registry.wanted_apis() if apis is None else list(apis)
    with transaction.atomic():
        number = enqueue.enqueue(image_ids, apis=asked, is_bulk=is_bulk, is_forced=is_forced)
        for api in asked if number else ():
            tasks.run_recognition.delay_on_commit(recognizer=registry.current().name, api=api)
    return number


def run_batch(batch: Batch, *, named: Iterable[int] = ()) -> None:
    """Set a bulk run going; `named`, the pictures' ids where it names them one by one. Raises rights.NotAllowed."""
    authorization.require(batch)
    with transaction.atomic():
        if batch.pk is None:
            lifecycle.prepare(batch, named=named)
        else:  # prepared to be weighed, which told these
            batch.save(update_fields=["expected", "budget"])
        resume_batch(batch.pk)
    batch.refresh_from_db()


def start_once(batch: Batch, *, token: str, named: Iterable[int] = ()) -> tuple[Batch, bool]:
    """Set a bulk run going for an estimate that was shown; a second time only the run that was started, and False.

    Raises rights.NotAllowed, and starts.NoToken for what was never estimated.
    """
    return start_tokens.once(batch, token=token, start=lambda: run_batch(batch, named=named))


def resume_batch(batch_id: int, *, budget: Decimal | None = None) -> bool:
    """Let one that is at rest go on, in the background, with another budget if one is given; False when there is
    nothing to resume. Raises rights.NotAllowed where its person may not have it any more.
    """
    authorization.require(Batch.objects.get(pk=batch_id))
    with transaction.atomic():
        is_resumed = lifecycle.resume(batch_id, budget=budget)
        if is_resumed:
            tasks.queue_batch.delay_on_commit(batch_id=batch_id)
    return is_resumed


def audit(*, is_repairing: bool, is_verifying: bool, owner_id: int | None) -> Iterator[AuditStep]:
    """Hold rows and blobs against each other; originals nobody owns become pictures of this owner, if there is one.

    Raises blobs.StorageFailed.
    """

    def bring_in(file: IO[bytes], name: str) -> Image:
        return ingest_file(file, name=name, owner_id=cast(int, owner_id)).image

    return Audit(is_repairing, None if owner_id is None else bring_in, is_verifying).run()


def start_bulk_change(selection: Selection, action: str, **of_what: Any) -> BulkChange:
    """Do something to every hit of a search, in the background. Raises Refused."""
    with transaction.atomic():
        change = bulk_steps.start(selection, action, **of_what)
        tasks.continue_bulk_change.delay_on_commit(change_id=change.pk)
    return change


def undo(token: int, *, by: AbstractBaseUser, at_once: int) -> BulkChange:
    """Undo a bulk command; in the background where it changed more than `at_once`, and what goes on there anyway.

    Raises Refused.
    """
    is_open = BulkChange.objects.filter(pk=token, is_open=True).exists()
    if not is_open and ChangedImage.objects.filter(change=token)[: at_once + 1].count() <= at_once:
        return bulk.undo(token, by=by)
    with transaction.atomic():
        change = bulk_steps.undo(token, by=by)
        tasks.continue_bulk_change.delay_on_commit(change_id=change.pk)
    return change


def sync_later(bucket_id: int) -> None:
    """Have a bucket compared with the library by a worker."""
    tasks.sync_bucket.delay_on_commit(bucket_id=bucket_id)


def change_label(label_id: int, wanted: LabelUpdate) -> None:
    """Save what a person makes of a label; the pictures follow in the background. Raises Refused."""
    with transaction.atomic():
        _reread(label_admin.update_label(label_id, wanted))


def merge_labels(label_ids: list[int], *, into_id: int) -> None:
    """Have one label stand for others. Raises Refused."""
    with transaction.atomic():
        _reread(label_admin.merge(label_ids, into_id=into_id))


def _reread(label_ids: list[int]) -> None:
    for label_id in label_ids:
        tasks.reindex_label.delay_on_commit(label_id=label_id)
