"""The trash: no search, no analysis, exact restore, no second copy of a file."""

import io
import threading

import pytest
from django.db import connection, transaction

from analysis import pipeline
from analysis.curation import trash, verdicts
from analysis.curation.errors import ActionRefused
from analysis.models import Analysis, Image, ImageIndex, ImageText
from analysis.recognition import claims, enqueue
from tests import pictures
from tests.factories import create_analysis, create_image, create_labeled_image, label_rows

pytestmark = pytest.mark.django_db


def trashed() -> set[int]:
    return set(Image.objects.exclude(trashed_at=None).values_list("pk", flat=True))


def test_trashed_picture_leaves_the_index_and_restore_reindexes_it(owner):
    image = create_labeled_image(owner, {"Dog": 98})
    create_analysis(
        image,
        api="text",
        state="done",
        answer={"TextDetections": [{"Type": "LINE", "DetectedText": "Exit", "Confidence": 99.0}]},
    )
    verdicts.add(image.pk, name="holiday", by_id=owner.pk)
    assert trash.trash([image.pk]) == [image.pk]
    assert (label_rows(image), ImageIndex.objects.count(), ImageText.objects.count()) == ({}, 0, 0)
    trash.restore(image.pk, by_id=image.owner_id)
    assert (label_rows(image), ImageIndex.objects.count()) == ({"Dog": 98, "holiday": 100}, 1)
    assert (ImageText.objects.get().content, trashed()) == ("Exit", set())


def test_trashing_twice_keeps_the_first_time(owner):
    image = create_image(owner)
    trash.trash([image.pk])
    image.refresh_from_db()
    first = image.trashed_at
    assert trash.trash([image.pk]) == []
    image.refresh_from_db()
    assert image.trashed_at == first
    trash.restore(image.pk, by_id=image.owner_id)
    trash.restore(image.pk, by_id=image.owner_id)
    assert trashed() == set()


def test_restore_is_refused_while_the_library_has_the_file(owner):
    image = create_image(owner)
    trash.trash([image.pk])
    again = create_image(owner, sha256=image.sha256)
    with pytest.raises(ActionRefused, match=r"^The same file was uploaded again\. Move that copy to the trash"):
        trash.restore(image.pk, by_id=image.owner_id)
    assert trashed() == {image.pk}
    trash.trash([again.pk])
    assert trash.restore_all([image.pk, again.pk]) == [again.pk]
    assert trashed() == {image.pk}


def test_copy_of_another_owner_does_not_prevent_restore(owner, colleague):
    image = create_image(owner)
    trash.trash([image.pk])
    create_image(colleague, sha256=image.sha256)
    trash.restore(image.pk, by_id=image.owner_id)
    assert trashed() == set()


def test_uploading_a_trashed_file_returns_the_trashed_picture(owner):
    first = pipeline.ingest_file(io.BytesIO(pictures.jpeg()), name="dog.jpg", owner_id=owner.pk)
    trash.trash([first.image.pk])
    again = pipeline.ingest_file(io.BytesIO(pictures.jpeg()), name="dog.jpg", owner_id=owner.pk)
    assert (again.is_new, again.image.pk, trashed()) == (False, first.image.pk, {first.image.pk})


def test_queued_analysis_waits_while_in_trash_and_resumes_after_restore(owner):
    image, other = create_image(owner), create_image(owner)
    analyses = [create_analysis(image), create_analysis(other)]
    trash.trash([image.pk])
    assert Analysis.objects.open().filter(image__trashed_at=None).count() == 1
    assert [analysis.pk for analysis in claims.claim("local", "labels", maximum=9, region=None)] == [analyses[1].pk]
    assert claims.apis_with_due_work() == []
    trash.restore(image.pk, by_id=image.owner_id)
    assert claims.apis_with_due_work() == [("local", "labels")]
    assert [analysis.pk for analysis in claims.claim("local", "labels", maximum=9, region=None)] == [analyses[0].pk]


def test_trashed_picture_is_not_queued(owner):
    image = create_image(owner)
    trash.trash([image.pk])
    assert (enqueue.enqueue([image.pk], apis=["labels"]), Analysis.objects.count()) == (0, 0)


def test_result_that_arrives_in_trash_is_indexed_after_restore(owner):
    image = create_image(owner)
    trash.trash([image.pk])
    create_analysis(image, state="done", answer={"Labels": [{"Name": "Dog", "Confidence": 98.0}]})
    trash.restore(image.pk, by_id=image.owner_id)
    assert label_rows(image) == {"Dog": 98}


@pytest.mark.django_db(transaction=True)
def test_restore_racing_with_an_upload_of_the_file_is_refused(owner):
    image = create_image(owner)
    trash.trash([image.pk])
    messages: list[str] = []

    def restore() -> None:
        try:
            trash.restore(image.pk, by_id=image.owner_id)
        except ActionRefused as refusal:
            messages.append(str(refusal))
        finally:
            connection.close()

    with transaction.atomic():
        create_image(owner, sha256=image.sha256)
        restoring = threading.Thread(target=restore)
        restoring.start()
        while not has_waiting_lock():  # until then the other picture is not committed
            assert restoring.is_alive()
    restoring.join()
    assert messages == [trash.DUPLICATE_RESTORE_MESSAGE]
    assert trashed() == {image.pk}


def has_waiting_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]
