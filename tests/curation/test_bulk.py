"""One command on many pictures: only one's own, in steps, and put back exactly as it was."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from analysis import pipeline
from analysis.curation import bulk, bulk_steps, ratings, trash, verdicts
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.models import Analysis, BulkChange, ChangedImage, Image, ImageIndex, ImageLabel, Rating, Verdict
from analysis.recognition.search_index import reindex
from analysis.search.query import Query, StateTerm
from tests.factories import create_analysis, create_image, create_label, create_labeled_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db


def whole() -> dict:
    """All that a command may change, and all that is derived from it."""
    return {
        "images": list(Image.objects.order_by("pk").values_list("pk", "visibility", "trashed_at")),
        "said": list(
            Verdict.objects.order_by("image", "label").values_list("image", "label", "decision", "by", "decided_at")
        ),
        "labels": list(ImageLabel.objects.order_by("pk").values()),
        "whole": list(ImageIndex.objects.order_by("pk").values()),
    }


def counts(change: BulkChange) -> tuple[int, int, int]:
    return change.number, change.unchanged, change.refused


@pytest.fixture
def library(owner, colleague):
    """Four pictures that differ in everything a command changes, and one of a colleague's that everybody sees."""
    images = [create_labeled_image(owner, {"Dog": 60 + number}, visibility=number % 3) for number in range(4)]
    verdicts.add(images[0].pk, name="holiday", by_id=owner.pk)
    verdicts.reject(images[1].pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    verdicts.confirm(images[2].pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    trash.trash([images[3].pk])
    foreign = create_labeled_image(colleague, {"Dog": 99}, visibility=Image.Visibility.PUBLIC)
    return [*images, foreign]


@pytest.fixture
def everything(owner, library):
    return Selection(owner, ids=tuple(image.pk for image in library))


def dog():
    return create_label("Dog")


COMMANDS = {
    "add a tag": (lambda selection: bulk.add_tag(selection, "Holiday"), (3, 1, 1)),
    "add a label": (lambda selection: bulk.add_tag(selection, "dog"), (3, 1, 1)),
    "remove a tag": (lambda selection: bulk.remove_tag(selection, create_label("holiday", "tag")), (1, 3, 1)),
    "confirm": (lambda selection: bulk.decide(selection, dog(), "confirmed"), (1, 3, 1)),
    "reject": (lambda selection: bulk.decide(selection, dog(), "rejected"), (2, 2, 1)),
    "reject a tag": (lambda selection: bulk.decide(selection, create_label("holiday", "tag"), "rejected"), (1, 3, 1)),
    "open": (lambda selection: bulk.set_visibility(selection, Image.Visibility.SHARED), (3, 1, 1)),
    "trash": (bulk.trash, (3, 1, 1)),
    "restore": (bulk.restore, (1, 3, 1)),
}


@pytest.mark.parametrize(("command", "expected"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_changes_ones_own_says_so_and_is_put_back_exactly(command, expected, everything, owner):
    before = whole()
    change = command(everything)
    assert counts(change) == expected
    assert whole() != before
    assert bulk.undo(change.pk, by=owner).number == change.number
    assert whole() == before
    assert ChangedImage.objects.count() == 0


@pytest.mark.parametrize(("command", "_"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_twice_is_the_command_once(command, _, everything, owner):
    command(everything)
    after = whole()
    assert command(everything).number == 0
    assert whole() == after


@pytest.mark.parametrize(("command", "_"), COMMANDS.values(), ids=COMMANDS)
def test_what_the_read_side_says_is_what_it_would_say_when_built_anew(command, _, everything, library):
    command(everything)
    after = whole()
    reindex([image.pk for image in library])
    assert whole() == after


@pytest.mark.parametrize(("command", "_"), COMMANDS.values(), ids=COMMANDS)
def test_a_stranger_changes_nothing_however_much_is_named(command, _, library, stranger):
    create_label("holiday", "tag")
    before = whole()
    change = command(Selection(stranger, ids=tuple(image.pk for image in library)))
    assert (counts(change), whole()) == ((0, 0, 5), before)


def test_pictures_that_are_not_there_count_as_those_one_may_not_change(owner):
    assert counts(bulk.trash(Selection(owner, ids=(10**12, create_image(owner).pk)))) == (1, 0, 1)


def test_a_picture_named_twice_is_changed_once(owner):
    image = create_image(owner)
    assert counts(bulk.trash(Selection(owner, ids=(image.pk, image.pk)))) == (1, 0, 0)


def test_a_bad_word_and_too_many_ids_leave_no_trace(owner):
    with pytest.raises(ActionRefused, match=r"^A tag needs"):
        bulk.add_tag(Selection(owner, ids=(create_image(owner).pk,)), " ")
    with pytest.raises(
        ActionRefused, match=r"^At most 10,000 pictures can be named one by one; select all results instead\.$"
    ):
        bulk.trash(Selection(owner, ids=tuple(range(10_001))))
    assert BulkChange.objects.count() == 0


def test_words_are_kept_through_another_analysis(owner, everything, library):
    bulk.add_tag(everything, "holiday")
    bulk.decide(everything, dog(), "rejected")
    Analysis.objects.filter(image=library[0]).update(is_current=False)
    create_analysis(library[0], state="done", answer=labels_answer(Dog=99, Cat=98))
    reindex([library[0].pk])
    assert label_rows(library[0]) == {"Cat": 98, "holiday": 100}


def test_undone_once_is_undone(owner, everything):
    change = bulk.trash(everything)
    bulk.undo(change.pk, by=owner)
    with pytest.raises(ActionRefused, match=r"^This is undone already\.$"):
        bulk.undo(change.pk, by=owner)


def test_nobody_undoes_what_another_person_did(everything, colleague):
    change = bulk.trash(everything)
    with pytest.raises(ActionRefused, match=r"^This cannot be undone any more\.$"):
        bulk.undo(change.pk, by=colleague)
    assert Image.objects.filter(trashed_at=None).count() == 1


def test_after_a_day_it_stands_and_is_forgotten(owner, everything):
    old, new = bulk.trash(everything), bulk.add_tag(everything, "holiday")
    BulkChange.objects.filter(pk=old.pk).update(done_at=timezone.now() - timedelta(hours=24, minutes=1))
    going_on = bulk.add_tag(everything, "evening")
    BulkChange.objects.filter(pk=going_on.pk).update(done_at=timezone.now() - timedelta(hours=25), is_open=True)
    with pytest.raises(ActionRefused, match=r"^This cannot be undone any more\.$"):
        bulk.undo(old.pk, by=owner)
    bulk.delete_expired()
    assert set(BulkChange.objects.all()) == {new, going_on}
    assert set(ChangedImage.objects.values_list("change", flat=True)) == {new.pk, going_on.pk}


def test_what_somebody_changed_since_is_left_alone(owner, everything, library):
    first, second, *_ = library
    tagged, opened = bulk.add_tag(everything, "party"), bulk.set_visibility(everything, Image.Visibility.PUBLIC)
    tag = create_label("party", "tag")
    verdicts.clear(first.pk, label_id=tag.pk)
    verdicts.add(first.pk, name="party", by_id=owner.pk)
    verdicts.clear(second.pk, label_id=tag.pk)
    bulk.set_visibility(Selection(owner, ids=(second.pk,)), Image.Visibility.PRIVATE)
    assert bulk.undo(tagged.pk, by=owner).number == 2
    assert bulk.undo(opened.pk, by=owner).number == 2
    carrying = Verdict.objects.filter(label=tag).values_list("image", flat=True)
    assert (list(carrying), Image.objects.get(pk=second.pk).visibility) == ([first.pk], Image.Visibility.PRIVATE)


def test_a_removed_tag_that_was_added_again_stays(owner, everything, library):
    tag = create_label("holiday", "tag")
    removed = bulk.remove_tag(everything, tag)
    verdicts.add(library[0].pk, name="holiday", by_id=owner.pk)
    assert bulk.undo(removed.pk, by=owner).number == 0
    assert Verdict.objects.filter(label=tag).count() == 1


def test_a_confirmation_withdrawn_after_a_rejection_does_not_come_back(owner, everything, library):
    change = bulk.decide(everything, dog(), "rejected")
    verdicts.clear(library[2].pk, label_id=dog().pk)
    assert bulk.undo(change.pk, by=owner).number == 1
    assert not Verdict.objects.filter(image=library[2], label=dog()).exists()


def test_a_persons_word_that_was_rejected_comes_back_with_its_moment(owner, library):
    said = Verdict.objects.filter(image=library[0], label=create_label("holiday", "tag"))
    before = said.values("decision", "by", "decided_at").get()
    change = bulk.decide(Selection(owner, ids=(library[0].pk,)), create_label("holiday", "tag"), "rejected")
    assert not said.exists()
    bulk.undo(change.pk, by=owner)
    assert said.values("decision", "by", "decided_at").get() == before


def test_favorites_are_ones_own_of_whatever_one_sees_and_are_put_back(owner, colleague, library):
    first, *_, trashed, foreign = library
    ratings.rate(first.pk, person_id=owner.pk, stars=3)
    ratings.set_favorite(library[1].pk, person_id=owner.pk, is_favorite=True)
    before = list(Rating.objects.order_by("image").values_list("image", "is_favorite", "rating"))
    hidden = create_image(colleague)
    named = Selection(owner, ids=(*(image.pk for image in library), hidden.pk))
    change = bulk.set_favorites(named, is_favorite=True)
    assert counts(change) == (3, 1, 2)
    favorites = Rating.objects.filter(person=owner, is_favorite=True).order_by("image")
    assert list(favorites.values_list("image", flat=True)) == [*(each.pk for each in library[:3]), foreign.pk]
    assert trashed.pk not in favorites.values_list("image", flat=True)
    assert bulk.undo(change.pk, by=owner).number == 3
    assert list(Rating.objects.order_by("image").values_list("image", "is_favorite", "rating")) == before


def test_favorites_taken_away_come_back_but_for_those_given_again(owner, library):
    for image in library[:2]:
        ratings.set_favorite(image.pk, person_id=owner.pk, is_favorite=True)
    change = bulk.set_favorites(Selection(owner, query=Query()), is_favorite=False)
    assert (counts(change)[0], Rating.objects.count()) == (2, 0)
    ratings.set_favorite(library[0].pk, person_id=owner.pk, is_favorite=True)
    assert bulk.undo(change.pk, by=owner).number == 1
    assert Rating.objects.filter(is_favorite=True).count() == 2


def test_what_was_removed_for_good_since_is_skipped(owner, everything, library):
    change = bulk.add_tag(everything, "party")
    library[0].delete()
    assert bulk.undo(change.pk, by=owner).number == 3


def test_pictures_brought_in_again_stay_in_the_trash(owner):
    image, other = create_image(owner), create_image(owner)
    both = Selection(owner, ids=(image.pk, other.pk))
    change = bulk.trash(both)
    create_image(owner, sha256=image.sha256)
    assert bulk.undo(change.pk, by=owner).number == 1
    assert counts(bulk.restore(both)) == (0, 2, 0)
    assert list(Image.objects.exclude(trashed_at=None)) == [image]


def many_images(owner, number: int) -> list[int]:
    rows = [
        Image(
            owner=owner,
            filename=f"{each}.jpg",
            key=f"originals/many/{each}.jpg",
            renditions_id=uuid.uuid4(),
            sha256=f"f{each:063x}",
            size=1,
            width=1,
            height=1,
            format="jpeg",
        )
        for each in range(number)
    ]
    return [image.pk for image in Image.objects.bulk_create(rows)]


@pytest.fixture
def a_step_that_fails(owner):
    """1,001 pictures, the last of which cannot be changed while the database says so."""
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


def test_what_was_done_before_a_failure_is_written_down_and_can_be_undone(owner, a_step_that_fails):
    before = whole()
    with pytest.raises(DatabaseError, match="the disk is full"):
        bulk.set_visibility(Selection(owner, ids=tuple(a_step_that_fails)), Image.Visibility.SHARED)
    change = BulkChange.objects.get()
    assert counts(change) == (bulk.STEP_SIZE, 0, 0)
    assert Image.objects.filter(visibility=Image.Visibility.SHARED).count() == bulk.STEP_SIZE
    assert bulk.undo(change.pk, by=owner).number == bulk.STEP_SIZE
    assert whole() == before


def test_every_hit_of_a_query_is_meant_although_the_command_changes_what_it_finds(owner, colleague):
    ids = many_images(owner, bulk.STEP_SIZE + 1)
    reindex(ids)
    create_labeled_image(colleague, {"Dog": 99}, visibility=Image.Visibility.SHARED)
    everything, trashed = Selection(owner, query=Query()), Selection(owner, query=Query((StateTerm("trashed"),)))
    change = bulk.trash(everything)
    assert counts(change) == (bulk.STEP_SIZE + 1, 0, 1)
    assert counts(bulk.restore(trashed)) == (bulk.STEP_SIZE + 1, 0, 0)
    assert counts(bulk.restore(trashed)) == (0, 0, 0)
    untagged = Selection(owner, query=Query((StateTerm("untagged"),)))
    assert bulk.add_tag(untagged, "holiday").number == bulk.STEP_SIZE + 1
    assert bulk.tags_of(everything) == [(create_label("holiday", "tag"), "all")]


def test_a_command_that_is_undone_while_it_runs_ends_there(owner):
    ids = many_images(owner, bulk.STEP_SIZE + 1)
    change = BulkChange.objects.create(person=owner, action="trash")
    change.refresh_from_db()
    assert bulk._step(change, ids[: bulk.STEP_SIZE])
    bulk.undo(change.pk, by=owner)
    assert not bulk._step(change, ids[bulk.STEP_SIZE :])
    assert not Image.objects.exclude(trashed_at=None).exists()


def test_what_an_interrupted_undo_left_the_next_one_puts_back(owner):
    image = create_image(owner)
    change = bulk.trash(Selection(owner, ids=(image.pk,)))
    BulkChange.objects.update(undone_at=timezone.now())
    assert bulk.undo(change.pk, by=owner).number == 1


def test_an_undo_in_the_background_goes_step_by_step_and_counts_what_is_put_back(owner):
    ids = many_images(owner, bulk.STEP_SIZE + 2)
    change = bulk.set_visibility(Selection(owner, ids=tuple(ids)), Image.Visibility.SHARED)
    bulk.set_visibility(Selection(owner, ids=(ids[0],)), Image.Visibility.PUBLIC)
    bulk_steps.undo(change.pk, by=owner)
    assert (bulk_steps._step(change.pk), bulk_steps.pending_ids()) == (True, [change.pk])
    assert Image.objects.filter(visibility=1).count() == 2
    assert not bulk_steps.continue_change(change.pk)
    change.refresh_from_db()
    assert (change.number, change.restored, change.is_open) == (bulk.STEP_SIZE + 2, bulk.STEP_SIZE + 1, False)
    assert list(Image.objects.exclude(visibility=0)) == [Image.objects.get(pk=ids[0])]
    with pytest.raises(ActionRefused, match=r"^This is undone already\.$"):
        bulk_steps.undo(change.pk, by=owner)


def test_of_what_is_undone_in_the_background_while_it_is_done_nothing_more_is_done(owner):
    ids = many_images(owner, bulk.STEP_SIZE + 1)
    reindex(ids)
    change = bulk_steps.start(Selection(owner, query=Query()), BulkChange.Action.TRASH)
    assert bulk_steps._step(change.pk)
    bulk_steps.undo(change.pk, by=owner)
    assert not bulk_steps.continue_change(change.pk)
    change.refresh_from_db()
    assert (change.number, change.restored, change.is_open) == (bulk.STEP_SIZE, bulk.STEP_SIZE, False)
    assert not Image.objects.exclude(trashed_at=None).exists()


def test_what_goes_on_in_the_background_is_undone_there_however_little_it_is(owner):
    """Two at a time would lock the change and its pictures in different orders."""
    ids = many_images(owner, 2)
    reindex(ids)
    change = bulk_steps.start(Selection(owner, query=Query()), BulkChange.Action.TRASH)
    assert pipeline.undo(change.pk, by=owner, at_once=bulk.STEP_SIZE).is_open
    assert bulk_steps.pending_ids() == [change.pk]


def test_nobody_has_undone_in_the_background_what_another_did(owner, everything, colleague):
    change = bulk.trash(everything)
    with pytest.raises(ActionRefused, match=r"^This cannot be undone any more\.$"):
        bulk_steps.undo(change.pk, by=colleague)
    assert bulk_steps.pending_ids() == []


def test_tags_of_a_selection_tell_all_from_some(owner, everything, library):
    bulk.add_tag(everything, "party")
    verdicts.add(library[0].pk, name="dog", by_id=owner.pk)
    told = [(label.name, part) for label, part in bulk.tags_of(everything)]
    assert told == [("Dog", "some"), ("holiday", "some"), ("party", "all")]
    assert bulk.tags_of(Selection(owner)) == []


def test_tags_of_other_peoples_pictures_are_not_told(colleague, stranger):
    image = create_image(colleague)
    verdicts.add(image.pk, name="secret", by_id=colleague.pk)
    assert bulk.tags_of(Selection(stranger, ids=(image.pk,))) == []
