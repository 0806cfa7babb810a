"""Pictures marked as not duplicates: remembered for good, and undone."""

from __future__ import annotations

import pytest

from analysis.curation import bulk
from analysis.curation.distinct_pairs import mark_distinct
from analysis.curation.duplicate_groups import find_duplicate_groups
from analysis.curation.errors import ActionRefused
from analysis.library.duplicate_flags import mark_all_duplicates
from analysis.library.removal import remove_image
from analysis.models import AuditEntry, BulkChange, DistinctPair, Viewer
from analysis.recognition.reindex_images import reindex
from analysis.search import results
from analysis.search.syntax.parser import parse
from tests.factories import create_image

pytestmark = pytest.mark.django_db
HASH = 0x0F0F_3333_5555_7171


def groups(person) -> list[list[int]]:
    return [sorted(image.pk for image in group) for group in find_duplicate_groups(person.pk).groups]


def add(person, number: int) -> list[int]:
    return [create_image(person, phash=HASH).pk for _ in range(number)]


def test_marked_pictures_do_not_come_back_after_another_analysis(owner):
    ids = add(owner, 3)
    assert groups(owner) == [ids]
    change = mark_distinct(ids, by=owner)
    assert (change.action, change.number, DistinctPair.objects.count()) == ("distinct", 3, 3)
    reindex(ids)
    assert groups(owner) == []


def test_another_copy_brings_the_group_back_and_pairs_stay(owner):
    ids = add(owner, 2)
    mark_distinct(ids, by=owner)
    third = add(owner, 1)
    assert groups(owner) == [ids + third]
    mark_distinct([ids[0], *third], by=owner)
    assert groups(owner) == [[ids[1], *third]]


def test_search_for_duplicates_leaves_marked_pictures_out(owner):
    ids = add(owner, 2)
    mark_all_duplicates()
    query, viewer = parse("is:duplicate"), Viewer(user_id=owner.pk)
    assert results.count(query, viewer=viewer) == 2
    mark_distinct(ids, by=owner)
    assert results.count(query, viewer=viewer) == 0


def test_undo_keeps_pairs_that_were_marked_before(owner):
    ids = add(owner, 3)
    mark_distinct(ids[:2], by=owner)
    change = mark_distinct(ids, by=owner)
    assert bulk.undo(change.pk, by=owner).number == 3
    assert [tuple(pair) for pair in DistinctPair.objects.values_list("first_id", "second_id")] == [tuple(ids[:2])]
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["distinct", "distinct", "undo"]


def test_pictures_of_others_are_refused(owner, colleague):
    ids = [*add(owner, 1), *add(colleague, 1)]
    for chosen in (ids, ids[:1], [ids[0], 10**9], range(1, 40)):
        with pytest.raises(ActionRefused):
            mark_distinct(chosen, by=owner)
    assert not BulkChange.objects.exists()


def test_pair_is_deleted_with_its_picture(owner):
    image = create_image(owner, phash=HASH)
    mark_distinct([*add(owner, 1), image.pk], by=owner)
    remove_image(image)
    assert not DistinctPair.objects.exists()
