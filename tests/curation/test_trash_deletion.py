"""Deleting pictures in the trash forever."""

import io
from datetime import timedelta

import pytest
from django.utils import timezone

from analysis import pipeline, tasks
from analysis.curation import trash, trash_deletion
from analysis.curation.errors import ActionRefused
from analysis.exports import background
from analysis.models import (
    Analysis,
    AuditedImages,
    AuditEntry,
    Call,
    Export,
    Image,
    ImageEmbedding,
    TrashDeletion,
)
from analysis.storage import blobs
from imagelib.accounts.models import User
from tests import pictures
from tests.factories import create_analysis, create_embedding, create_image, create_labeled_image

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch):
    """Two pictures per step."""
    monkeypatch.setattr(trash_deletion, "STEP_SIZE", 2)


def trashed(owner, number=1, **fields) -> list[Image]:
    images = [create_labeled_image(owner, {"Dog": 90}, **fields) for _ in range(number)]
    trash.trash([image.pk for image in images])
    return images


def requested(owner, **fields) -> TrashDeletion:
    deletion = TrashDeletion(person=owner, owner_id=owner.pk, trashed_until=timezone.now(), **fields)
    return trash_deletion.request(deletion)


def finished(deletion) -> TrashDeletion:
    while pipeline.continue_deletion(deletion.pk):
        pass
    deletion.refresh_from_db()
    return deletion


def receipts() -> list[dict]:
    return [receipt for step in AuditedImages.objects.order_by("pk") for receipt in step.receipts]


def test_everything_of_the_pictures_is_deleted_and_nothing_else(
    owner, colleague, pictures_folder, django_capture_on_commit_callbacks
):
    remaining = [pipeline.ingest_file(io.BytesIO(pictures.jpeg(seed=1)), name="kept.jpg", owner_id=owner.pk).image]
    remaining += [create_image(owner), *trashed(colleague)]
    gone = pipeline.ingest_file(io.BytesIO(pictures.jpeg()), name="gone.jpg", owner_id=owner.pk).image
    analysis = create_analysis(gone, api="faces", state="done")
    call = Call.objects.create(analysis=analysis, recognizer="rekognition", api="faces", outcome="answered", price=1)
    create_embedding(create_image(owner, trashed_at=timezone.now()), [1])
    trash.trash([gone.pk])
    files = {path for path in pictures_folder.rglob("*") if path.is_file()}
    with django_capture_on_commit_callbacks(execute=True):
        deletion = finished(requested(owner))
    assert (deletion.state, deletion.total, deletion.deleted, deletion.freed) == ("done", 2, 2, gone.size + 1000)
    assert set(Image.objects.values_list("pk", flat=True)) == {image.pk for image in remaining}
    assert not Analysis.objects.filter(pk=analysis.pk).exists()
    assert list(ImageEmbedding.objects.values_list("image_id", flat=True)) == [remaining[0].pk]
    call.refresh_from_db()
    assert (call.analysis_id, call.price) == (None, 1)  # what was paid stays in the ledger
    left = {path for path in pictures_folder.rglob("*") if path.is_file()}
    assert len(files - left) == 3  # original, thumb and preview
    assert blobs.exists(remaining[0].key)


def test_receipt_names_file_hash_owner_and_person(owner):
    [image] = trashed(owner, filename="walk.jpg", sha256="a" * 64)
    image.refresh_from_db()
    finished(requested(owner))
    entry = AuditEntry.objects.get(action="delete")
    assert (entry.actor_name, entry.object_id) == ("owner", None)
    assert AuditedImages.objects.get().entry_id == entry.pk
    assert receipts() == [
        {
            "image_id": image.pk,
            "filename": "walk.jpg",
            "sha256": "a" * 64,
            "size": 1000,
            "owner": "owner",
            "added": image.added_at.isoformat(),
            "trashed": image.trashed_at.isoformat(),
            "original": "deleted",
        }
    ]


def test_selection_and_pictures_trashed_later_are_kept(owner):
    chosen, other = trashed(owner, 2)
    deletion = requested(owner, image_ids=[chosen.pk])
    trash.restore(chosen.pk, by_id=owner.pk)
    trash.trash([chosen.pk])  # again, after the request
    finished(deletion)
    assert set(Image.objects.values_list("pk", flat=True)) == {chosen.pk, other.pk}


def test_restored_pictures_are_left_alone(owner):
    _first, second, _third = trashed(owner, 3)
    deletion = requested(owner)
    trash.restore(second.pk, by_id=owner.pk)
    assert finished(deletion).deleted == 2
    assert list(Image.objects.values_list("pk", flat=True)) == [second.pk]


def test_canceled_deletion_stops_after_its_step(owner):
    trashed(owner, 5)
    deletion = requested(owner)
    pipeline.continue_deletion(deletion.pk, seconds=0)
    assert trash_deletion.step(deletion.pk, remove=pipeline.trash._remove)
    assert trash_deletion.cancel(deletion, by_id=owner.pk)
    assert not trash_deletion.cancel(deletion, by_id=owner.pk)
    assert (finished(deletion).state, deletion.deleted, Image.objects.count()) == ("canceled", 2, 3)
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["delete", "cancel"]
    assert len(receipts()) == 2


def test_interrupted_step_leaves_rows_receipt_and_counters_as_before(owner):
    trashed(owner, 3)
    deletion = requested(owner)

    def crash(images, deletion):
        pipeline.trash._remove(images, deletion)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        trash_deletion.step(deletion.pk, remove=crash)
    assert (Image.objects.count(), receipts(), TrashDeletion.objects.get().deleted) == (3, [], 0)
    assert finished(deletion).deleted == 3


def test_pictures_being_analyzed_wait(owner):
    image, _other = trashed(owner, 2)
    running = create_analysis(image, api="faces", state="running")
    deletion = finished(requested(owner))
    assert (deletion.state, deletion.deleted, deletion.waiting) == ("open", 1, 1)
    assert trash_deletion.pending_ids() == [deletion.pk]
    running.mark_failed(code="Timeout", message="It took too long.", is_permanent=True)
    deletion = finished(deletion)
    assert (deletion.state, deletion.deleted, deletion.waiting) == ("done", 2, 0)


def test_closed_account_deletes_nothing_more(owner):
    trashed(owner)
    deletion = requested(owner)
    User.objects.update(is_active=False)
    assert (finished(deletion).state, Image.objects.count()) == ("canceled", 1)


def test_number_has_to_be_typed(owner):
    image = create_image(owner)
    with pytest.raises(ActionRefused, match="no longer in the trash"):
        requested(owner)
    trash.trash([image.pk])
    fields = {"person": owner, "owner_id": owner.pk, "trashed_until": timezone.now()}
    with pytest.raises(ActionRefused, match="Type 1 to confirm"):
        pipeline.start_deletion(TrashDeletion(**fields), typed=2)
    assert not TrashDeletion.objects.exists()
    assert pipeline.start_deletion(TrashDeletion(**fields), typed=1).total == 1


def test_expired_pictures_of_everybody_are_deleted_once_a_time(owner, colleague, settings):
    settings.TRASH_DAYS = 30
    old = [*trashed(owner), *trashed(colleague)]
    recent = trashed(owner)
    Image.objects.filter(pk__in=[image.pk for image in old]).update(trashed_at=timezone.now() - timedelta(days=31))
    tasks.delete_expired_trash()
    tasks.delete_expired_trash()  # the first one is in progress
    deletion = TrashDeletion.objects.get()
    assert (deletion.person, deletion.owner_id, deletion.total) == (None, None, 2)
    tasks.delete_trash(deletion_id=deletion.pk)
    assert list(Image.objects.values_list("pk", flat=True)) == [image.pk for image in recent]
    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.details) == (None, {"reason": "in the trash for 30 days"})
    tasks.delete_expired_trash()
    assert TrashDeletion.objects.count() == 1  # nothing is left to delete


def test_nothing_expires_with_the_setting_zero(owner, settings):
    trashed(owner)
    Image.objects.update(trashed_at=timezone.now() - timedelta(days=3650))
    settings.TRASH_DAYS = 0
    tasks.delete_expired_trash()
    assert not TrashDeletion.objects.exists()


def test_copies_in_exports_are_deleted(owner, colleague, django_capture_on_commit_callbacks):
    def archive(person, **fields) -> Export:
        export = background.create(Export(owner=person, format="originals", **{"query": "", **fields}))
        background.run(export.pk)
        export.refresh_from_db()
        assert export.state == "done"
        return export

    for seed in (1, 2):
        file = io.BytesIO(pictures.jpeg(seed=seed))
        image = pipeline.ingest_file(file, name=f"{seed}.jpg", owner_id=owner.pk).image
    other = Image.objects.exclude(pk=image.pk).get()
    selected, searched = archive(owner, image_ids=[image.pk]), archive(owner, name="frozen")
    of_other, without = archive(owner, image_ids=[other.pk]), archive(colleague)
    key = searched.key
    trash.trash([image.pk])
    with django_capture_on_commit_callbacks(execute=True):
        finished(requested(owner))
    states = dict(Export.objects.values_list("pk", "state"))
    assert states == {selected.pk: "failed", searched.pk: "failed", of_other.pk: "done", without.pk: "done"}
    assert not blobs.exists(key)
    searched.refresh_from_db()
    assert (searched.key, searched.error.partition(" because ")[0]) == ("", "Deleted")
    # Retried, it has the pictures that are left.
    assert background.retry(searched)
    background.run(searched.pk)
    searched.refresh_from_db()
    assert (searched.state, searched.written) == ("done", 1)


def test_export_in_progress_begins_again(owner):
    [image] = trashed(owner)
    export = background.create(Export(owner=owner, format="originals", query=""))
    Export.objects.filter(pk=export.pk).update(state="running", attempts=1)
    export.exported_images.create(image_ids=[image.pk])
    finished(requested(owner))
    export.refresh_from_db()
    assert (export.state, export.attempts, export.exported_images.count()) == ("queued", 2, 0)


def test_picture_deleted_while_its_export_is_stored(owner, monkeypatch):
    image = pipeline.ingest_file(io.BytesIO(pictures.jpeg()), name="dog.jpg", owner_id=owner.pk).image
    export = background.create(Export(owner=owner, format="originals", query=""))
    original = blobs.put

    def put(key, content):
        original(key, content)
        image.delete()

    monkeypatch.setattr(blobs, "put", put)
    background.run(export.pk)
    export.refresh_from_db()
    assert (export.state, export.key) == ("queued", "")


def test_number_of_queries_does_not_grow_with_the_step(owner, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(trash_deletion, "STEP_SIZE", 50)
    trashed(owner, 20)
    deletion = requested(owner)
    with django_assert_max_num_queries(50):
        assert trash_deletion.step(deletion.pk, remove=pipeline.trash._remove)
    assert not Image.objects.exists()
