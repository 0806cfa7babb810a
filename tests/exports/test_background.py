"""Exports in the background: content, rights, interruption, expiry."""

from __future__ import annotations

import errno
import hashlib
import io
import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from analysis import leases, pipeline, tasks
from analysis.curation import verdicts
from analysis.exports import background, copy_deletion
from analysis.exports.formats import FORMATS
from analysis.models import Export, ExportedImages, Image, PendingBlob, Viewer
from analysis.recognition.reindex_images import reindex
from analysis.storage import blobs
from tests import pictures
from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db
State = Export.State


def start(owner, **values) -> Export:
    values = {"format": "jsonl", "query": "dog"} | values
    return background.create(Export(owner=owner, **values))


def written(export: Export) -> Export:
    background.run(export.pk)
    export.refresh_from_db()
    return export


def content(export: Export) -> bytes:
    with blobs.get(export.key) as file:
        return file.read()


@pytest.fixture
def dog(owner) -> Image:
    return create_labeled_image(owner, {"Dog": 99.0}, filename="dog.jpg")


def test_file_has_the_pictures_of_the_search_and_its_checksum(owner, dog):
    create_labeled_image(owner, {"Cat": 99.0})
    export = written(start(owner))
    assert (export.state, export.written, export.error) == (State.DONE, 1, "")
    assert [json.loads(line)["id"] for line in content(export).splitlines()] == [dog.pk]
    assert (export.size, export.sha256) == (len(content(export)), hashlib.sha256(content(export)).hexdigest())
    assert not PendingBlob.objects.exists()
    assert background.manifest(export)["sha256"] == export.sha256


def test_options_select_columns_labels_and_confidence(owner):
    create_labeled_image(owner, {"Dog": 99.0, "Pet": 60.0})
    options = {"columns": ["filename", "label"], "min_confidence": 90}
    lines = content(written(start(owner, format="csv", options=options))).decode("utf-8-sig").splitlines()
    assert (lines[0], len(lines)) == ("filename,label", 2)


def test_pictures_the_owner_may_no_longer_see_are_left_out(owner, colleague, dog):
    other = create_labeled_image(colleague, {"Dog": 99.0}, visibility=Image.Visibility.values[1])
    by_search, by_ids = start(owner), start(owner, query="", image_ids=[dog.pk, other.pk])
    Image.objects.filter(pk=other.pk).update(visibility=Image.Visibility.values[0])
    reindex([other.pk])
    for export in (by_search, by_ids):
        assert [json.loads(line)["id"] for line in content(written(export)).splitlines()] == [dog.pk]


def test_second_run_does_nothing_while_the_first_has_its_lease(owner, dog):
    export = start(owner)
    assert leases.claim(Export.objects.filter(pk=export.pk), lease=background.LEASE)
    assert written(export).state == State.QUEUED


def test_export_whose_worker_died_is_written_again(owner, dog):
    export = start(owner)
    leases.claim(Export.objects.filter(pk=export.pk), lease=background.LEASE)
    Export.objects.filter(pk=export.pk).update(state=State.RUNNING, written=1, next_attempt_at=Now())
    assert background.due_ids() == [export.pk]
    assert written(export).written == 1
    assert export.state == State.DONE


def test_too_many_interruptions_end_it_with_a_sentence(owner, dog):
    export = start(owner)
    Export.objects.filter(pk=export.pk).update(attempts=leases.MAX_ATTEMPTS)
    assert written(export).state == State.FAILED
    assert export.error == "It was interrupted 5 times. See the worker log."


def test_deletions_of_its_pictures_are_no_interruptions(owner, dog):
    """Each takes the claim away from the worker."""
    export = start(owner, format="originals")
    for _ in range(leases.MAX_ATTEMPTS + 1):
        claimed = leases.claim(Export.objects.filter(pk=export.pk), lease=background.LEASE)
        ExportedImages.objects.create(export=export, image_ids=[dog.pk])
        with transaction.atomic():
            assert copy_deletion.delete_copies([dog.pk]) == 1
        assert not background._own(claimed).exists()
    assert written(export).state == State.DONE


def test_full_disk_fails_with_its_cause_and_retry_succeeds(owner, dog, monkeypatch):
    class FullDisk(io.BytesIO):
        def write(self, data):
            if self.tell():
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    with monkeypatch.context() as patch:
        patch.setattr(background.tempfile, "TemporaryFile", lambda **_options: FullDisk())
        export = written(start(owner, format="json"))
    assert (export.state, export.key) == (State.FAILED, "")
    assert export.error == "The file could not be written: No space left on device."
    assert not PendingBlob.objects.exists()
    assert pipeline.retry_export(export)
    assert written(export).state == State.DONE


def test_full_storage_fails_with_its_cause_and_keeps_nothing(owner, dog, monkeypatch):
    def full(*_arguments):
        raise blobs.StorageError("The storage is full.")

    with monkeypatch.context() as patch:
        patch.setattr(blobs, "put", full)
        export = written(start(owner))
    assert (export.state, export.key, export.error) == (State.FAILED, "", "The storage is full.")
    assert pipeline.retry_export(export)
    assert written(export).state == State.DONE


def test_invalid_search_fails_with_its_error(owner):
    assert written(start(owner, query="((")).error == "Unclosed parenthesis."


def test_canceled_while_it_is_written_leaves_no_file(owner, dog, monkeypatch):
    export = start(owner)

    def canceled_meanwhile(key, content):
        background.cancel(export)
        put(key, content)

    put = blobs.put
    monkeypatch.setattr(blobs, "put", canceled_meanwhile)
    assert written(export).state == State.CANCELED
    assert export.key == ""
    assert not PendingBlob.objects.exists()
    assert not background.cancel(export)


def test_cancellation_is_noticed_after_some_pictures(owner, dog, monkeypatch):
    monkeypatch.setattr(background, "STEP", 1)
    export = start(owner)
    rows = background.rows_of(export, Viewer(user_id=owner.pk))
    monkeypatch.setattr(background, "rows_of", lambda *_arguments: (background.cancel(export), rows)[1])
    assert written(export).state == State.CANCELED


def test_expired_file_is_deleted_and_dataset_is_kept(owner, dog):
    export, dataset = written(start(owner)), written(start(owner, name="Dogs"))
    assert dataset.expires_at is None
    assert export.expires_at - timezone.now() > timedelta(days=6)
    Export.objects.filter(pk=export.pk).update(expires_at=Now() - timedelta(seconds=1))
    tasks.delete_expired()
    assert [row.pk for row in Export.objects.all()] == [dataset.pk]
    assert not blobs.exists(export.key)
    assert blobs.exists(dataset.key)


def test_dataset_of_the_same_name_is_the_next_version(owner, colleague, dog):
    versions = [start(person, name="Dogs").version for person in (owner, owner, colleague)]
    assert versions == [1, 2, 1]
    first = Export.objects.filter(owner=owner).earliest("pk")
    before = content(written(first))
    create_labeled_image(owner, {"Dog": 99.0})
    assert content(first) == before


@pytest.mark.parametrize("name", FORMATS)
def test_versions_of_an_unchanged_library_have_the_same_bytes(name, owner):
    for seed in (1, 2):
        file = io.BytesIO(pictures.encoded(pictures.photo(seed), "jpeg"))
        image = pipeline.ingest_file(file, name="dog.jpg", owner_id=owner.pk).image
        verdicts.add(image.pk, name="Rex", by_id=owner.pk)
    versions = [written(start(owner, name="Dogs", query="rex", format=name)) for _ in range(2)]
    assert [export.written for export in versions] == [2, 2]
    assert len({export.sha256 for export in versions}) == 1


def test_no_worker_writes_what_is_written_now(owner, dog):
    export = background.write_now(Export(owner=owner, format="jsonl", query="dog"))
    assert (export.state, export.attempts, export.written) == (State.DONE, 1, 1)
    assert background.due_ids() == []


def test_an_interrupted_command_cancels_its_export(owner, dog, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(blobs, "put", interrupted)
    with pytest.raises(KeyboardInterrupt):
        background.write_now(Export(owner=owner, format="jsonl", query="dog"))
    assert Export.objects.get().state == State.CANCELED


def test_unfinished_exports_are_limited(owner):
    for _number in range(background.MAX_UNFINISHED):
        start(owner)
    with pytest.raises(background.ExportRefused, match="10 files are still being prepared"):
        start(owner)


def test_deleted_account_takes_its_exports_and_files_along(colleague):
    create_labeled_image(colleague, {"Dog": 99.0})
    key = written(start(colleague)).key
    waiting = start(colleague)
    Image.objects.all().delete()
    colleague.delete()
    assert written(waiting).state == State.QUEUED
    assert background.due_ids() == []
    tasks.delete_expired()
    assert not Export.objects.exists()
    assert not blobs.exists(key)


def test_nobody_else_writes_it_while_its_file_is_stored(owner, dog, monkeypatch):
    export = start(owner)
    due = []

    def put(key, content):
        due.extend(background.due_ids())
        original(key, content)

    original = blobs.put
    monkeypatch.setattr(blobs, "put", put)
    assert written(export).state == State.DONE
    assert due == []


def test_starting_sends_the_task_on_commit(owner, dog, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        pipeline.start_export(Export(owner=owner, format="jsonl"))
    assert len(callbacks) == 1
