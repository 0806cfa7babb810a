"""Bulk changes: permissions, counters, steps and exact undo."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from analysis import pipeline
from analysis.curation import bulk, bulk_steps, ratings, trash, verdicts
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.models import Analysis, BulkChange, ChangedImage, Image, ImageIndex, ImageLabel, Label, Rating, Verdict
from analysis.recognition.reindex_images import reindex
from analysis.search.query import Query, StateTerm
from tests.factories import create_analysis, create_image, create_label, create_labeled_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db
Act = BulkChange.Action


def snapshot() -> dict:
    """All rows that a bulk change may affect, including the search index."""
    return {
        "images": list(Image.objects.order_by("pk").values_list("pk", "visibility", "trashed_at")),
        "verdicts": list(
            Verdict.objects.order_by("image", "label").values_list("image", "label", "decision", "by", "decided_at")
        ),
        "labels": list(ImageLabel.objects.order_by("pk").values()),
        "index": list(ImageIndex.objects.order_by("pk").values()),
    }


def counts(change: BulkChange) -> tuple[int, int, int]:
    return change.number, change.unchanged, change.refused


@pytest.fixture
def library(owner, colleague):
    """Four pictures that differ in all that actions change, and a colleague's."""
    images = [create_labeled_image(owner, {"Dog": 60 + number}, visibility=number % 3) for number in range(4)]
    verdicts.add(images[0].pk, name="holiday", by_id=owner.pk)
    verdicts.reject(images[1].pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    verdicts.confirm(images[2].pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    trash.trash([images[3].pk])
    foreign = create_labeled_image(colleague, {"Dog": 99}, visibility=Image.Visibility.PUBLIC)
    return [*images, foreign]


@pytest.fixture
def selection(owner, library):
    return Selection(owner, ids=tuple(image.pk for image in library))


def dog() -> Label:
    return create_label("Dog")


def holiday() -> Label:
    return create_label("holiday", "tag")


def add_tag(selection: Selection, name: str) -> BulkChange:
    return bulk.apply(selection, Act.ADD_TAG, label=bulk.label_to_add(selection, name))


def set_visibility(selection: Selection, visibility: int) -> BulkChange:
    return bulk.apply(selection, Act.OPEN_TO, visibility=visibility)


ACTIONS = {
    "add a tag": (lambda selection: add_tag(selection, "Holiday"), (3, 1, 1)),
    "add a label": (lambda selection: add_tag(selection, "dog"), (3, 1, 1)),
    "remove a tag": (lambda selection: bulk.remove_tag(selection, holiday()), (1, 3, 1)),
    "confirm": (lambda selection: bulk.apply(selection, Act.CONFIRM, label=dog()), (1, 3, 1)),
    "reject": (lambda selection: bulk.apply(selection, Act.REJECT, label=dog()), (2, 2, 1)),
    "reject a tag": (lambda selection: bulk.apply(selection, Act.REJECT, label=holiday()), (1, 3, 1)),
    "open": (lambda selection: set_visibility(selection, Image.Visibility.SHARED), (3, 1, 1)),
    "trash": (lambda selection: bulk.apply(selection, Act.TRASH), (3, 1, 1)),
    "restore": (lambda selection: bulk.apply(selection, Act.RESTORE), (1, 3, 1)),
}


@pytest.mark.parametrize(("apply", "expected"), ACTIONS.values(), ids=ACTIONS)
def test_apply_changes_own_pictures_and_undo_restores_them_exactly(apply, expected, selection, owner):
    before = snapshot()
    change = apply(selection)
    assert counts(change) == expected
    assert snapshot() != before
    assert bulk.undo(change.pk, by=owner).number == change.number
    assert snapshot() == before
    assert ChangedImage.objects.count() == 0


@pytest.mark.parametrize(("apply", "_"), ACTIONS.values(), ids=ACTIONS)
def test_applying_twice_changes_nothing_more(apply, _, selection, owner):
    apply(selection)
    after = snapshot()
    assert apply(selection).number == 0
    assert snapshot() == after


@pytest.mark.parametrize(("apply", "_"), ACTIONS.values(), ids=ACTIONS)
def test_incremental_index_matches_full_reindex(apply, _, selection, library):
    apply(selection)
    after = snapshot()
    reindex([image.pk for image in library])
    assert snapshot() == after


@pytest.mark.parametrize(("apply", "_"), ACTIONS.values(), ids=ACTIONS)
def test_stranger_changes_nothing(apply, _, library, stranger):
    create_label("holiday", "tag")
    before = snapshot()
    change = apply(Selection(stranger, ids=tuple(image.pk for image in library)))
    assert (counts(change), snapshot()) == ((0, 0, 5), before)


def test_unknown_ids_count_as_refused(owner):
    assert counts(bulk.apply(Selection(owner, ids=(10**12, create_image(owner).pk)), Act.TRASH)) == (1, 0, 1)


def test_repeated_id_counts_once(owner):
    image = create_image(owner)
    assert counts(bulk.apply(Selection(owner, ids=(image.pk, image.pk)), Act.TRASH)) == (1, 0, 0)


def test_invalid_tag_and_too_many_ids_save_nothing(owner):
    with pytest.raises(ActionRefused, match=r"^Tag can't be empty"):
        add_tag(Selection(owner, ids=(create_image(owner).pk,)), " ")
    with pytest.raises(
        ActionRefused, match=r"^At most 10,000 pictures can be selected individually\. Select all results instead\.$"
    ):
        bulk.apply(Selection(owner, ids=tuple(range(10_001))), Act.TRASH)
    assert BulkChange.objects.count() == 0


def test_verdicts_survive_reanalysis(owner, selection, library):
    add_tag(selection, "holiday")
    bulk.apply(selection, Act.REJECT, label=dog())
    Analysis.objects.filter(image=library[0]).update(is_current=False)
    create_analysis(library[0], state="done", answer=labels_answer(Dog=99, Cat=98))
    reindex([library[0].pk])
    assert label_rows(library[0]) == {"Cat": 98, "holiday": 100}


def test_second_undo_is_refused(owner, selection):
    change = bulk.apply(selection, Act.TRASH)
    bulk.undo(change.pk, by=owner)
    with pytest.raises(ActionRefused, match=r"^This has already been undone\.$"):
        bulk.undo(change.pk, by=owner)


def test_undo_of_another_users_change_is_refused(selection, colleague):
    change = bulk.apply(selection, Act.TRASH)
    with pytest.raises(ActionRefused, match=r"^This can no longer be undone\.$"):
        bulk.undo(change.pk, by=colleague)
    assert Image.objects.filter(trashed_at=None).count() == 1


def test_undo_expires_after_a_day(owner, selection):
    old, new = bulk.apply(selection, Act.TRASH), add_tag(selection, "holiday")
    BulkChange.objects.filter(pk=old.pk).update(done_at=timezone.now() - timedelta(hours=24, minutes=1))
    running = add_tag(selection, "evening")
    BulkChange.objects.filter(pk=running.pk).update(done_at=timezone.now() - timedelta(hours=25), is_open=True)
    with pytest.raises(ActionRefused, match=r"^This can no longer be undone\.$"):
        bulk.undo(old.pk, by=owner)
    bulk.delete_expired()
    assert set(BulkChange.objects.all()) == {new, running}
    assert set(ChangedImage.objects.values_list("change", flat=True)) == {new.pk, running.pk}


def test_undo_skips_pictures_changed_since(owner, selection, library):
    first, second, *_ = library
    tagged, opened = add_tag(selection, "party"), set_visibility(selection, Image.Visibility.PUBLIC)
    tag = create_label("party", "tag")
    verdicts.clear(first.pk, label_id=tag.pk, by_id=owner.pk)
    verdicts.add(first.pk, name="party", by_id=owner.pk)
    verdicts.clear(second.pk, label_id=tag.pk, by_id=owner.pk)
    set_visibility(Selection(owner, ids=(second.pk,)), Image.Visibility.PRIVATE)
    assert bulk.undo(tagged.pk, by=owner).number == 2
    assert bulk.undo(opened.pk, by=owner).number == 2
    carrying = Verdict.objects.filter(label=tag).values_list("image", flat=True)
    assert (list(carrying), Image.objects.get(pk=second.pk).visibility) == ([first.pk], Image.Visibility.PRIVATE)


def test_undo_of_tag_removal_keeps_a_tag_added_since(owner, selection, library):
    tag = create_label("holiday", "tag")
    removed = bulk.remove_tag(selection, tag)
    verdicts.add(library[0].pk, name="holiday", by_id=owner.pk)
    assert bulk.undo(removed.pk, by=owner).number == 0
    assert Verdict.objects.filter(label=tag).count() == 1


def test_undo_of_rejection_skips_a_verdict_cleared_since(owner, selection, library):
    change = bulk.apply(selection, Act.REJECT, label=dog())
    verdicts.clear(library[2].pk, label_id=dog().pk, by_id=owner.pk)
    assert bulk.undo(change.pk, by=owner).number == 1
    assert not Verdict.objects.filter(image=library[2], label=dog()).exists()


def test_undo_of_rejection_restores_author_and_time(owner, library):
    stored = Verdict.objects.filter(image=library[0], label=create_label("holiday", "tag"))
    before = stored.values("decision", "by", "decided_at").get()
    change = bulk.apply(Selection(owner, ids=(library[0].pk,)), Act.REJECT, label=holiday())
    assert not stored.exists()
    bulk.undo(change.pk, by=owner)
    assert stored.values("decision", "by", "decided_at").get() == before


def test_favorites_apply_to_visible_pictures_and_undo_restores_them(owner, colleague, library):
    first, *_, trashed, foreign = library
    ratings.rate(first.pk, person_id=owner.pk, stars=3)
    ratings.set_favorite(library[1].pk, person_id=owner.pk, is_favorite=True)
    before = list(Rating.objects.order_by("image").values_list("image", "is_favorite", "rating"))
    hidden = create_image(colleague)
    named = Selection(owner, ids=(*(image.pk for image in library), hidden.pk))
    change = bulk.apply(named, Act.FAVORITE)
    assert counts(change) == (3, 1, 2)
    favorites = Rating.objects.filter(person=owner, is_favorite=True).order_by("image")
    assert list(favorites.values_list("image", flat=True)) == [*(image.pk for image in library[:3]), foreign.pk]
    assert trashed.pk not in favorites.values_list("image", flat=True)
    assert bulk.undo(change.pk, by=owner).number == 3
    assert list(Rating.objects.order_by("image").values_list("image", "is_favorite", "rating")) == before


def test_undo_of_removed_favorites_skips_those_added_since(owner, library):
    for image in library[:2]:
        ratings.set_favorite(image.pk, person_id=owner.pk, is_favorite=True)
    change = bulk.apply(Selection(owner, query=Query()), Act.UNFAVORITE)
    assert (counts(change)[0], Rating.objects.count()) == (2, 0)
    ratings.set_favorite(library[0].pk, person_id=owner.pk, is_favorite=True)
    assert bulk.undo(change.pk, by=owner).number == 1
    assert Rating.objects.filter(is_favorite=True).count() == 2


def test_undo_skips_deleted_pictures(owner, selection, library):
    change = add_tag(selection, "party")
    library[0].delete()
    assert bulk.undo(change.pk, by=owner).number == 3


def test_file_uploaded_again_stays_in_trash(owner):
    image, other = create_image(owner), create_image(owner)
    both = Selection(owner, ids=(image.pk, other.pk))
    change = bulk.apply(both, Act.TRASH)
    create_image(owner, sha256=image.sha256)
    assert bulk.undo(change.pk, by=owner).number == 1
    assert counts(bulk.apply(both, Act.RESTORE)) == (0, 2, 0)
    assert list(Image.objects.exclude(trashed_at=None)) == [image]


def many_images(owner, number: int) -> list[int]:
    rows = [
        Image(
            owner=owner,
            filename=f"{index}.jpg",
            key=f"originals/many/{index}.jpg",
            renditions_id=uuid.uuid4(),
            sha256=f"f{index:063x}",
            size=1,
            width=1,
            height=1,
            format="jpeg",
        )
        for index in range(number)
    ]
    return [image.pk for image in Image.objects.bulk_create(rows)]


@pytest.fixture
def ids_with_failing_step(owner):
    """1,001 pictures; a trigger lets updates of the last one fail."""
    ids = many_images(owner, bulk.STEP_SIZE + 1)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SET CONSTRAINTS ALL IMMEDIATE;
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the disk is full'; END $$;
            CREATE TRIGGER fail BEFORE UPDATE ON analysis_image FOR EACH ROW WHEN (old.id = {ids[-1]})
            EXECUTE FUNCTION fail()
            """
        )
    return ids


def test_steps_before_a_failure_are_recorded_and_can_be_undone(owner, ids_with_failing_step):
    before = snapshot()
    with pytest.raises(DatabaseError, match="the disk is full"):
        set_visibility(Selection(owner, ids=tuple(ids_with_failing_step)), Image.Visibility.SHARED)
    change = BulkChange.objects.get()
    assert counts(change) == (bulk.STEP_SIZE, 0, 0)
    assert Image.objects.filter(visibility=Image.Visibility.SHARED).count() == bulk.STEP_SIZE
    assert bulk.undo(change.pk, by=owner).number == bulk.STEP_SIZE
    assert snapshot() == before


def test_all_results_of_a_query_change_although_the_action_changes_the_results(owner, colleague):
    ids = many_images(owner, bulk.STEP_SIZE + 1)
    reindex(ids)
    create_labeled_image(colleague, {"Dog": 99}, visibility=Image.Visibility.SHARED)
    selection, trashed = Selection(owner, query=Query()), Selection(owner, query=Query((StateTerm("trashed"),)))
    change = bulk.apply(selection, Act.TRASH)
    assert counts(change) == (bulk.STEP_SIZE + 1, 0, 1)
    assert counts(bulk.apply(trashed, Act.RESTORE)) == (bulk.STEP_SIZE + 1, 0, 0)
    assert counts(bulk.apply(trashed, Act.RESTORE)) == (0, 0, 0)
    untagged = Selection(owner, query=Query((StateTerm("untagged"),)))
    assert add_tag(untagged, "holiday").number == bulk.STEP_SIZE + 1
    assert bulk.tags_of(selection) == [(create_label("holiday", "tag"), "all")]


def test_change_undone_while_running_stops(owner):
    ids = many_images(owner, bulk.STEP_SIZE + 1)
    change = BulkChange.objects.create(person=owner, action="trash")
    change.refresh_from_db()
    assert bulk.apply_step(change, ids[: bulk.STEP_SIZE])
    bulk.undo(change.pk, by=owner)
    assert not bulk.apply_step(change, ids[bulk.STEP_SIZE :])
    assert not Image.objects.exclude(trashed_at=None).exists()


def test_second_undo_completes_an_interrupted_one(owner):
    image = create_image(owner)
    change = bulk.apply(Selection(owner, ids=(image.pk,)), Act.TRASH)
    BulkChange.objects.update(undone_at=timezone.now())
    assert bulk.undo(change.pk, by=owner).number == 1


def test_background_undo_runs_in_steps_and_counts_restored_pictures(owner):
    ids = many_images(owner, bulk.STEP_SIZE + 2)
    change = set_visibility(Selection(owner, ids=tuple(ids)), Image.Visibility.SHARED)
    set_visibility(Selection(owner, ids=(ids[0],)), Image.Visibility.PUBLIC)
    bulk_steps.undo(change.pk, by=owner)
    assert (bulk_steps._step(change.pk), bulk_steps.pending_ids()) == (True, [change.pk])
    assert Image.objects.filter(visibility=1).count() == 2
    assert not bulk_steps.continue_change(change.pk)
    change.refresh_from_db()
    assert (change.number, change.restored, change.is_open) == (bulk.STEP_SIZE + 2, bulk.STEP_SIZE + 1, False)
    assert list(Image.objects.exclude(visibility=0)) == [Image.objects.get(pk=ids[0])]
    with pytest.raises(ActionRefused, match=r"^This has already been undone\.$"):
        bulk_steps.undo(change.pk, by=owner)


def test_background_change_undone_while_running_stops(owner):
    ids = many_images(owner, bulk.STEP_SIZE + 1)
    reindex(ids)
    change = bulk_steps.start(Selection(owner, query=Query()), Act.TRASH)
    assert bulk_steps._step(change.pk)
    bulk_steps.undo(change.pk, by=owner)
    assert not bulk_steps.continue_change(change.pk)
    change.refresh_from_db()
    assert (change.number, change.restored, change.is_open) == (bulk.STEP_SIZE, bulk.STEP_SIZE, False)
    assert not Image.objects.exclude(trashed_at=None).exists()


def test_background_change_is_undone_in_the_background(owner):
    """A worker and a request would lock the change and its pictures in other orders."""
    ids = many_images(owner, 2)
    reindex(ids)
    change = bulk_steps.start(Selection(owner, query=Query()), Act.TRASH)
    assert pipeline.undo(change.pk, by=owner, at_once=bulk.STEP_SIZE).is_open
    assert bulk_steps.pending_ids() == [change.pk]


def test_background_undo_of_another_users_change_is_refused(owner, selection, colleague):
    change = bulk.apply(selection, Act.TRASH)
    with pytest.raises(ActionRefused, match=r"^This can no longer be undone\.$"):
        bulk_steps.undo(change.pk, by=colleague)
    assert bulk_steps.pending_ids() == []


def test_tags_of_selection_distinguish_all_and_some(owner, selection, library):
    add_tag(selection, "party")
    verdicts.add(library[0].pk, name="dog", by_id=owner.pk)
    tags = [(label.name, part) for label, part in bulk.tags_of(selection)]
    assert tags == [("Dog", "some"), ("holiday", "some"), ("party", "all")]
    assert bulk.tags_of(Selection(owner)) == []


def test_tags_of_other_owners_pictures_are_hidden(colleague, stranger):
    image = create_image(colleague)
    verdicts.add(image.pk, name="secret", by_id=colleague.pk)
    assert bulk.tags_of(Selection(stranger, ids=(image.pk,))) == []


def test_right_that_ends_in_between_ends_the_change(owner, staff):
    ids = many_images(owner, bulk.STEP_SIZE + 1)
    reindex(ids)
    change = bulk_steps.start(Selection(staff, query=Query(), all_owners=True), Act.TRASH)
    assert bulk_steps._step(change.pk)
    type(staff).objects.filter(pk=staff.pk).update(is_staff=False, is_superuser=False)
    assert not bulk_steps.continue_change(change.pk)
    assert Image.objects.exclude(trashed_at=None).count() == bulk.STEP_SIZE
