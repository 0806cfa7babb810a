"""The trash: out of search and of the queue, back as it was, and never the same bytes twice."""

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


def test_a_picture_in_the_trash_leaves_the_read_side_and_comes_back_whole(owner):
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
    trash.restore(image.pk)
    assert (label_rows(image), ImageIndex.objects.count()) == ({"Dog": 98, "holiday": 100}, 1)
    assert (ImageText.objects.get().content, trashed()) == ("Exit", set())


def test_twice_is_once_and_the_first_time_counts(owner):
    image = create_image(owner)
    trash.trash([image.pk])
    image.refresh_from_db()
    first = image.trashed_at
    assert trash.trash([image.pk]) == []
    image.refresh_from_db()
    assert image.trashed_at == first
    trash.restore(image.pk)
    trash.restore(image.pk)
    assert trashed() == set()


def test_what_was_brought_in_again_is_not_restored_beside_it(owner):
    image = create_image(owner)
    trash.trash([image.pk])
    again = create_image(owner, sha256=image.sha256)
    with pytest.raises(
        ActionRefused, match=r"^The same picture was brought in again meanwhile; move that one to the trash"
    ):
        trash.restore(image.pk)
    assert trashed() == {image.pk}
    trash.trash([again.pk])
    assert trash.restore_all([image.pk, again.pk]) == [again.pk]
    assert trashed() == {image.pk}


def test_the_same_bytes_of_another_person_stand_in_nobodys_way(owner, colleague):
    image = create_image(owner)
    trash.trash([image.pk])
    create_image(colleague, sha256=image.sha256)
    trash.restore(image.pk)
    assert trashed() == set()


def test_a_picture_in_the_trash_that_is_brought_in_again_is_the_one_that_lies_there(owner):
    first = pipeline.ingest_file(io.BytesIO(pictures.jpeg()), name="dog.jpg", owner_id=owner.pk)
    trash.trash([first.image.pk])
    again = pipeline.ingest_file(io.BytesIO(pictures.jpeg()), name="dog.jpg", owner_id=owner.pk)
    assert (again.is_new, again.image.pk, trashed()) == (False, first.image.pk, {first.image.pk})


def test_what_waits_for_an_answer_waits_in_the_trash_and_goes_on_afterwards(owner):
    image, other = create_image(owner), create_image(owner)
    asked = [create_analysis(image), create_analysis(other)]
    trash.trash([image.pk])
    assert claims.open_count() == 1
    assert [each.pk for each in claims.claim("local", "labels", maximum=9, region=None)] == [asked[1].pk]
    assert claims.apis_with_due_work() == []
    trash.restore(image.pk)
    assert claims.apis_with_due_work() == [("local", "labels")]
    assert [each.pk for each in claims.claim("local", "labels", maximum=9, region=None)] == [asked[0].pk]


def test_nothing_is_asked_about_a_picture_in_the_trash(owner):
    image = create_image(owner)
    trash.trash([image.pk])
    assert (enqueue.enqueue([image.pk], apis=["labels"]), Analysis.objects.count()) == (0, 0)


def test_an_answer_that_arrives_in_the_trash_is_kept_for_afterwards(owner):
    image = create_image(owner)
    trash.trash([image.pk])
    create_analysis(image, state="done", answer={"Labels": [{"Name": "Dog", "Confidence": 98.0}]})
    trash.restore(image.pk)
    assert label_rows(image) == {"Dog": 98}


@pytest.mark.django_db(transaction=True)
def test_what_comes_in_again_at_the_very_moment_of_restoring_is_refused_in_a_sentence(owner):
    image = create_image(owner)
    trash.trash([image.pk])
    ends: list[str] = []

    def restore() -> None:
        try:
            trash.restore(image.pk)
        except ActionRefused as refusal:
            ends.append(str(refusal))
        finally:
            connection.close()

    with transaction.atomic():
        create_image(owner, sha256=image.sha256)
        restoring = threading.Thread(target=restore)
        restoring.start()
        while not somebody_waits():  # until then the other picture is not committed
            assert restoring.is_alive()
    restoring.join()
    assert ends == [trash.DUPLICATE_RESTORE_MESSAGE]
    assert trashed() == {image.pk}


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]
