"""Resolving exact copies: the one kept, what it takes over, steps and undo."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from analysis import pipeline
from analysis.curation import bulk, bulk_steps, collections, exact_copies, ratings, verdicts
from analysis.curation.bulk import Selection
from analysis.curation.distinct_pairs import mark_distinct
from analysis.curation.errors import ActionRefused
from analysis.library.duplicate_flags import mark_all_duplicates
from analysis.models import AuditedImages, AuditEntry, BulkChange, Image
from tests.factories import create_bucket, create_image, label_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(owner):
    return create_bucket(owner)


def copies(owner, bucket, name: str, number: int = 2, **fields) -> list[Image]:
    """Objects with the same bytes under different keys, the oldest first."""
    start = timezone.now() - timedelta(days=10)
    images = [
        create_image(
            owner,
            bucket=bucket,
            key=f"{name}/{index}.jpg",
            sha256=name[0] * 64,
            added_at=start + timedelta(hours=index),
            **fields,
        )
        for index in range(number)
    ]
    mark_all_duplicates()
    return images


def trashed() -> set[int]:
    return set(Image.objects.exclude(trashed_at=None).values_list("pk", flat=True))


def test_oldest_is_kept_unless_people_edited_another_more(owner, bucket):
    old, new = copies(owner, bucket, "a")
    first, edited, last = copies(owner, bucket, "b", 3)
    verdicts.add(edited.pk, name="holiday", by_id=owner.pk)
    groups, cursor = exact_copies.exact_copies(owner)
    assert [(group.best, group.others, group.has_most_edits) for group in groups] == [
        (old, (new,), False),
        (edited, (first, last), True),
    ]
    assert cursor == ""
    assert exact_copies.totals(owner) == exact_copies.CopyTotals(groups=2, trashed=3, size=3 * old.size)


def test_kept_one_takes_over_what_people_gave_and_undo_takes_it_back(owner, colleague, bucket):
    shared = {"visibility": Image.Visibility.SHARED}
    best, other = copies(owner, bucket, "a", **shared)
    verdicts.add(best.pk, name="beach", by_id=owner.pk)
    verdicts.add(best.pk, name="sea", by_id=owner.pk)
    verdicts.add(other.pk, name="holiday", by_id=owner.pk)
    ratings.rate(other.pk, person_id=owner.pk, stars=4)
    ratings.set_favorite(best.pk, person_id=owner.pk, is_favorite=True)
    collections_of_both = collections.create(owner, name="Trips"), collections.create(colleague, name="Theirs")
    collections.add(collections_of_both[0], Selection(owner, ids=(best.pk,)))
    collections.remove(collections_of_both[0], [best.pk])
    collections.add(collections_of_both[0], Selection(owner, ids=(other.pk,)))
    collections.add(collections_of_both[1], Selection(colleague, ids=(best.pk, other.pk)))
    details = {"description": ["A day"], "place": ["Crete"]}
    for image, edit in ((best, details), (other, {"title": ["On the beach"], "place": ["Paris"]})):
        bulk.apply(Selection(owner, ids=(image.pk,)), BulkChange.Action.EDIT, edit=edit)
    change = pipeline.merge_exact_copies(owner)
    assert (change.number, change.is_open, trashed()) == (1, False, {other.pk})
    best.refresh_from_db()
    assert (best.title, best.description, best.place) == ("On the beach", "A day", "Crete")
    assert set(label_rows(best)) == {"beach", "holiday", "sea"}
    assert ratings.ratings_for([best.pk], person_id=owner.pk)[best.pk] == (True, 4)
    assert [list(entry.entries.values_list("image_id", flat=True)) for entry in collections_of_both] == [
        [other.pk, best.pk],
        [best.pk, other.pk],
    ]
    pipeline.undo(change.pk, by=owner, at_once=100)
    best.refresh_from_db()
    assert (best.title, best.description, trashed()) == ("", "A day", set())
    assert set(label_rows(best)) == {"beach", "sea"}
    assert ratings.ratings_for([best.pk], person_id=owner.pk)[best.pk] == (True, None)
    assert [row.image_id for row in collections.placed_images(collections_of_both[0])] == [other.pk]


def test_steps_are_continued_and_recorded(owner, bucket, monkeypatch):
    monkeypatch.setattr(exact_copies, "STEP_GROUPS", 2)
    monkeypatch.setattr(exact_copies, "MAX_STEP_IMAGES", 5)
    groups = [copies(owner, bucket, name, number) for name, number in (("a", 2), ("b", 9), ("c", 3), ("d", 2))]
    change = exact_copies.start(owner)
    assert bulk_steps.continue_change(change.pk) is False
    change.refresh_from_db()
    assert change.number == 12
    assert trashed() == {image.pk for group in groups for image in group[1:]}
    [entry] = AuditEntry.objects.all()
    assert entry.action == "exact"
    recorded = AuditedImages.objects.filter(entry_id=entry.pk).values_list("image_ids", flat=True)
    assert {pk for ids in recorded for pk in ids} == {image.pk for group in groups for image in group}
    with pytest.raises(ActionRefused, match="There are no exact copies to resolve"):
        exact_copies.start(owner)
    pipeline.undo(change.pk, by=owner, at_once=0)
    assert bulk_steps.continue_change(change.pk) is False
    assert trashed() == set()


def test_one_merge_at_a_time(owner, bucket):
    copies(owner, bucket, "a")
    exact_copies.start(owner)
    with pytest.raises(ActionRefused, match="Your exact copies are already being resolved"):
        exact_copies.start(owner)


def test_others_pictures_marked_copies_and_trash_stay(owner, colleague, bucket):
    one, other = copies(owner, bucket, "a")
    mark_distinct([one.pk, other.pk], by=owner)
    create_image(colleague, sha256="b" * 64)
    create_image(owner, sha256="b" * 64)
    copies(owner, bucket, "c")[1].delete()
    mark_all_duplicates()
    assert exact_copies.exact_copies(owner) == ([], "")
    assert exact_copies.count_groups(owner, cap=10) == 0


def test_rights_end_while_it_runs(owner, bucket):
    copies(owner, bucket, "a")
    change = exact_copies.start(owner)
    owner.is_active = False
    owner.save()
    assert bulk_steps.continue_change(change.pk) is False
    assert trashed() == set()
