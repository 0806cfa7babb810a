"""Which pictures a batch is about and what each of them needs."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from analysis.batches import selection
from analysis.batches.options import build_batch
from analysis.models import BatchImage, Image, ModelVersion
from analysis.recognition import registry
from tests.factories import START, create_analysis, create_image, create_labeled_image

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def asked_of_rekognition(rekognition):
    ModelVersion.objects.create(recognizer="rekognition", api="labels", version="3.1")


def make_batch(**options):
    return build_batch(apis=["labels"], **{"all_owners": True, **options})


def all_ids(batch, size=2):
    ids, cursor = [], ""
    while cursor is not None:
        page = selection.next_page(batch, cursor=cursor, size=size)
        ids, cursor = [*ids, *page.image_ids], page.cursor
    return ids


def pending(batch, *images):
    return selection.pending_work(batch, "labels", [image.pk for image in images])


def answered(image, version="3.1", **fields):
    parameters = registry.parameters("labels")
    return create_analysis(
        image,
        state="done",
        **{"recognizer": "rekognition", "model_version": version, "parameters": parameters, **fields},
    )


def test_pages_list_the_library_newest_first_without_trash(owner, colleague):
    first, second, third = (create_image(user) for user in (owner, colleague, owner))
    create_image(owner, trashed_at=Now())
    assert all_ids(make_batch()) == [third.pk, second.pk, first.pk]


def test_pages_list_only_editable_pictures(owner, colleague):
    own = create_image(owner)
    create_image(colleague, visibility=2)
    assert all_ids(make_batch(all_owners=False, person_id=owner.pk)) == [own.pk]


def test_query_over_all_owners(owner, colleague):
    dog, _, other = (
        create_labeled_image(owner, {"Dog": 98}),
        create_labeled_image(owner, {"Cat": 98}),
        create_labeled_image(colleague, {"Dog": 60}),
    )
    assert all_ids(make_batch(query="dog")) == [other.pk, dog.pk]
    assert all_ids(make_batch(query="format:jpeg dog>=90")) == [dog.pk]


def test_listed_pictures_that_still_exist(owner):
    from analysis.batches import lifecycle

    images = [create_image(owner) for _ in range(5)]
    batch = make_batch(uses_id_list=True)
    lifecycle.prepare(batch, named=[images[3].pk, images[1].pk, images[3].pk, images[0].pk, 10**15])
    assert BatchImage.objects.count() == 4
    assert all_ids(batch) == [images[0].pk, images[1].pk, images[3].pk]


def test_since_excludes_older_pictures(owner):
    images = [create_image(owner, added_at=START + timedelta(days=day)) for day in range(5)]
    assert all_ids(make_batch(since=START + timedelta(days=3))) == [images[4].pk, images[3].pk]


def test_scope_missing_excludes_results_and_permanent_failures(owner):
    bare, done, refused, shaky, by_another = (create_image(owner) for _ in range(5))
    answered(done, version="2.0")
    create_analysis(refused, state="failed", recognizer="rekognition", is_permanent=True)
    create_analysis(shaky, state="failed", recognizer="rekognition")
    create_analysis(by_another, state="done", recognizer="local")
    work = pending(make_batch(scope="missing"), bare, done, refused, shaky, by_another)
    assert work.image_ids == [bare.pk, shaky.pk, by_another.pk]


def test_up_to_date_results_are_settled_unless_forced(owner):
    same, older, otherwise = (create_image(owner) for _ in range(3))
    answered(same)
    answered(older, version="3.0")
    answered(otherwise, parameters={"max_labels": 1})
    work = pending(make_batch(), same, older, otherwise)
    assert (work.image_ids, work.up_to_date) == ([older.pk, otherwise.pk], 1)
    assert pending(make_batch(is_forced=True), same, older, otherwise).image_ids == [same.pk, older.pk, otherwise.pk]


def test_analyses_in_progress_are_skipped(owner):
    images = [create_image(owner) for _ in range(3)]
    for image, state in zip(images, ("queued", "running", "paused"), strict=True):
        create_analysis(image, state=state)
    work = pending(make_batch(is_forced=True), *images)
    assert (work.image_ids, work.in_progress) == ([images[2].pk], 2)


def test_scope_failed_filters_by_error_code(owner):
    failed, mended, other = (create_image(owner) for _ in range(3))
    create_analysis(failed, state="failed")
    create_analysis(mended, state="failed")
    answered(mended)
    create_analysis(other, state="failed", error_code="original-missing")
    assert pending(make_batch(scope="failed"), failed, mended, other).image_ids == [failed.pk, other.pk]
    of_a_cause = make_batch(scope="failed", error_code="original-missing")
    assert pending(of_a_cause, failed, mended, other).image_ids == [other.pk]


def test_scope_outdated_compares_the_current_model_version(owner):
    old, new, never, sampled = (create_image(owner) for _ in range(4))
    answered(old, version="3.0")
    answered(new)
    answered(sampled, version="3.0")
    answered(sampled, is_sample=True, is_current=False)
    assert pending(make_batch(scope="outdated", older_than="latest"), old, new, never, sampled).image_ids == [
        old.pk,
        sampled.pk,
    ]
    assert pending(make_batch(scope="outdated", older_than="3.0"), old, new).image_ids == []


@pytest.mark.parametrize(
    ("version", "than", "is_older"),
    [("3.0", "3.1", True), ("3.9", "3.10", True), ("3.10", "3.9", False), ("3.1", "3.1", False), ("", "3.0", True)],
)
def test_versions_compare_numerically(version, than, is_older):
    assert selection.is_older(version, than) is is_older


def test_trash_is_excluded_even_if_the_query_includes_it(owner):
    create_image(owner, trashed_at=Now())
    assert all_ids(make_batch(query="is:trashed")) == []
    assert Image.objects.count() == 1
