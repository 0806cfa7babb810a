"""What staff do to many rows at once: on everybody's pictures, on a whole search, on nothing, with nonsense."""

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis import tasks
from analysis.admin import bulk_changes
from analysis.curation import bulk_steps
from analysis.models import Analysis, Batch, Bucket, BulkChange, Image, Verdict
from tests.factories import create_analysis, create_bucket, create_image, create_labeled_image, label_rows

pytestmark = pytest.mark.django_db

PICTURES = reverse("admin:analysis_image_changelist")
NOTHING = "Nothing is selected, so nothing was done."


@pytest.fixture
def browser(staff, signed_in):
    return signed_in(staff)


def act(browser, action, *rows, at=PICTURES, **said):
    """Runs an action on ticked rows and answers what the next page says."""
    sent = {"action": action, "_selected_action": [getattr(row, "pk", row) for row in rows], **said}
    return browser.post(at, sent, follow=True)


def on_all(browser, action, row, query="", **said):
    """On every hit of a search, of which one row is ticked."""
    return act(browser, action, row, at=f"{PICTURES}?q={query}", select_across="1", **said)


def told(page) -> str:
    return " ".join(str(message) for message in page.context["messages"])


@pytest.fixture
def theirs(owner, colleague):
    """Private pictures of two people: none of them the staff's."""
    return [create_labeled_image(owner, {"Dog": 98}), create_labeled_image(colleague, {"Dog": 90})]


def test_a_tag_is_asked_for_and_then_added_to_everybodys(theirs, browser):
    page = act(browser, "add_tag", *theirs)
    assert "2 pictures" in page.content.decode()
    assert not Verdict.objects.exists()
    said = told(act(browser, "add_tag", *theirs, confirmed="yes", tag="holiday"))
    assert said.startswith("Added to 2; 0 were so already")
    assert [label_rows(image)["holiday"] for image in theirs] == [100, 100]
    act(browser, "remove_tag", theirs[0], confirmed="yes", tag="Holiday")
    assert ["holiday" in label_rows(image) for image in theirs] == [False, True]


def test_a_tag_that_is_none_is_asked_for_again(theirs, browser):
    assert b"This field is required." in act(browser, "add_tag", *theirs, confirmed="yes", tag="").content
    assert told(act(browser, "remove_tag", *theirs, confirmed="yes", tag="nope")) == "Nothing is called “nope”."


def test_visibility_and_owner(theirs, colleague, stranger, browser):
    act(browser, "open_to", *theirs, confirmed="yes", visibility="2")
    assert set(Image.objects.values_list("visibility", flat=True)) == {2}
    act(browser, "give", *theirs, confirmed="yes", owner="stranger")
    assert set(Image.objects.values_list("owner__username", flat=True)) == {"stranger"}
    assert told(act(browser, "give", *theirs, confirmed="yes", owner="x")) == "There is nobody called “x”."


def test_a_picture_is_not_given_to_whoever_has_its_bytes(owner, colleague, browser):
    theirs, mine = create_image(colleague, sha256="a" * 64), create_image(owner, sha256="a" * 64)
    assert told(act(browser, "give", mine, theirs, confirmed="yes", owner="colleague")).startswith("Given: 0; 2 were")
    assert Image.objects.get(pk=mine.pk).owner == owner


def test_what_was_given_is_given_back(theirs, owner, colleague, stranger, browser):
    act(browser, "give", *theirs, confirmed="yes", owner="stranger")
    said = told(act(browser, "undo", BulkChange.objects.get(), at=reverse("admin:analysis_bulkchange_changelist")))
    assert said == f"Change {BulkChange.objects.get().pk}: undone on 2 pictures."
    assert [Image.objects.get(pk=image.pk).owner for image in theirs] == [owner, colleague]


def test_much_is_undone_in_the_background(theirs, browser, monkeypatch):
    act(browser, "trash", *theirs)
    change = BulkChange.objects.get()
    monkeypatch.setattr(bulk_changes, "MAX_IMMEDIATE", 1)
    page = act(browser, "undo", change, at=reverse("admin:analysis_bulkchange_changelist"))
    assert told(page) == f"Change {change.pk}: is undone in the background."
    assert Image.objects.filter(trashed_at=None).count() == 0
    tasks.continue_bulk_change(change_id=change.pk)
    assert Image.objects.filter(trashed_at=None).count() == 2


def test_the_trash_and_back(theirs, browser):
    assert told(act(browser, "trash", *theirs)).startswith("Moved to the trash: 2;")
    assert Image.objects.filter(trashed_at=None).count() == 0
    act(browser, "restore", *theirs)
    assert Image.objects.filter(trashed_at=None).count() == 2


def test_anothers_change_is_not_undone(theirs, owner, browser):
    change = BulkChange.objects.create(person=owner, action="trash")
    page = act(browser, "undo", change, at=reverse("admin:analysis_bulkchange_changelist"))
    assert told(page) == f"Change {change.pk}: This can no longer be undone."


def test_all_of_a_search_is_the_search_and_asks_first(theirs, owner, browser):
    cat = create_labeled_image(owner, {"Cat": 90})
    page = on_all(browser, "trash", cat, "dog").content.decode()
    assert "all 2 pictures of this search" in page
    assert page.count('name="_selected_action"') == 1
    assert Image.objects.filter(trashed_at=None).count() == 3
    on_all(browser, "trash", cat, "dog", confirmed="yes")
    assert list(Image.objects.filter(trashed_at=None)) == [cat]


def test_a_search_that_is_not_understood_does_nothing(theirs, browser):
    on_all(browser, "trash", theirs[0], '"dog', confirmed="yes")
    on_all(browser, "trash", theirs[0], "&is=nonsense", confirmed="yes")
    on_all(browser, "delete_selected", theirs[0], '"dog', confirmed="yes")
    assert Image.objects.filter(trashed_at=None).count() == 2


@pytest.mark.parametrize("action", ["add_tag", "trash", "analyze_again", "delete_selected"])
def test_nothing_selected_is_a_sentence(action, theirs, browser):
    assert told(act(browser, action)) == NOTHING
    assert told(act(browser, action, "nonsense", 2**70)) == NOTHING
    assert Image.objects.filter(trashed_at=None).count() == 2


def test_a_great_many_are_gone_through_in_the_background(theirs, staff, django_capture_on_commit_callbacks):
    from analysis import pipeline
    from analysis.curation.bulk import Selection
    from analysis.search.syntax.parser import parse

    selection = Selection(staff, query=parse("dog"), all_owners=True)
    change = pipeline.start_bulk_change(selection, BulkChange.Action.TRASH)
    assert (change.is_open, bulk_steps.pending_ids()) == (True, [change.pk])
    tasks.continue_bulk_change(change_id=change.pk)
    tasks.continue_bulk_change(change_id=change.pk)  # twice is once
    change.refresh_from_db()
    assert (change.number, change.is_open, bulk_steps.pending_ids()) == (2, False, [])
    assert Image.objects.filter(trashed_at=None).count() == 0


def test_duplicates_are_not_gone_through_in_the_background(staff):
    from analysis.curation.bulk import Selection
    from analysis.curation.errors import ActionRefused
    from analysis.search.syntax.parser import parse

    with pytest.raises(ActionRefused, match="Duplicates can't be changed all at once"):
        bulk_steps.start(Selection(staff, query=parse("is:duplicate")), BulkChange.Action.TRASH)


def test_pictures_are_deleted_for_good_after_a_question(theirs, browser):
    assert b"This cannot be taken back." in act(browser, "delete_selected", *theirs).content
    act(browser, "delete_selected", theirs[0], confirmed="yes")
    assert list(Image.objects.all()) == [theirs[1]]


WISH = {"confirmed": "yes", "apis": ["labels"], "scope": "all"}


def test_analyzing_again_is_estimated_before_it_is_started(theirs, browser, rekognition):
    page = act(browser, "analyze_again", *theirs)
    assert (b"Estimate" in page.content, b"Start" in page.content) == (True, False)
    page = act(browser, "analyze_again", *theirs, **WISH, start="yes")
    assert not Batch.objects.exists()
    assert "Of 2 pictures 2 need something: 2 analyses, $0.00" in page.context["sums"]
    digest = page.context["digest"]
    other = act(browser, "analyze_again", *theirs, **WISH, is_forced="on", start="yes", estimated=digest)
    assert (Batch.objects.count(), other.context["digest"] == digest) == (0, False)
    assert "Started" in told(
        act(browser, "analyze_again", *theirs, **WISH, start="yes", estimated=digest, token=page.context["token"])
    )
    batch = Batch.objects.get()
    assert (batch.uses_id_list, batch.all_owners, batch.state) == (True, True, "running")
    assert sorted(batch.named.values_list("image_id", flat=True)) == sorted(image.pk for image in theirs)


def test_analyzing_all_of_a_search_holds_the_search(theirs, browser, rekognition):
    found = on_all(browser, "analyze_again", theirs[0], "dog", **WISH).context
    start = {"start": "yes", "estimated": found["digest"], "token": found["token"]}
    on_all(browser, "analyze_again", theirs[0], "dog", **WISH, **start)
    batch = Batch.objects.get()
    assert (batch.query, batch.uses_id_list, batch.all_owners) == ("dog", False, True)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"budget": "-1"}, "The budget is -1; it is US dollars, from 0 to 100,000."),
        ({"rate": "0"}, "The rate is 0; it is calls a second of each API, from 0.01 to 100,000."),
        ({"limit": "0"}, "The limit is 0; it is the number of pictures at most, 1 or more."),
        ({"budget": "much"}, "Enter a number."),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_says_why(said, sentence, theirs, browser):
    page = act(browser, "analyze_again", *theirs, **WISH, **said)
    assert sentence in page.content.decode()
    assert not Batch.objects.exists()


def test_a_form_that_goes_out_twice_pays_once(theirs, browser, rekognition):
    page = act(browser, "analyze_again", *theirs, **WISH, is_forced="on")
    said = {"start": "yes", "estimated": page.context["digest"], "token": page.context["token"]}
    for words in ("Started in the background", "Already started from this estimate"):
        answer = told(act(browser, "analyze_again", *theirs, **WISH, is_forced="on", **said))
        assert words in answer
        assert f"Batch {Batch.objects.get().pk}" in answer


def test_asking_again_is_confirmed_and_asked_once_for_each_form(owner, browser):
    at, done = reverse("admin:analysis_analysis_changelist"), create_analysis(create_image(owner), state="done")
    page = act(browser, "ask_again", done, at=at)
    assert ("You are charged again" in page.content.decode(), Analysis.objects.count()) == (True, 1)
    said = {"confirmed": "yes", "estimated": page.context["digest"]}
    assert told(act(browser, "ask_again", done, at=at, **said)).startswith("1 analyses queued")
    Analysis.objects.exclude(pk=done.pk).update(state="done", finished_at=timezone.now(), model_version="3.0")
    assert told(act(browser, "ask_again", done, at=at, **said)).startswith("0 analyses queued")
    assert Analysis.objects.count() == 2


def test_failures_are_retried_and_others_left_alone(owner, browser):
    failed, done = (
        create_analysis(create_image(owner), state="failed"),
        create_analysis(create_image(owner), state="done"),
    )
    page = act(browser, "retry", failed, done, at=reverse("admin:analysis_analysis_changelist"))
    assert told(page) == "1 analyses queued; what was under way was left alone."
    assert list(Analysis.objects.filter(state="queued").values_list("image_id", flat=True)) == [failed.image_id]


def test_a_batch_is_paused_resumed_and_cancelled(browser):
    at = reverse("admin:analysis_batch_changelist")
    batch = Batch.objects.create(recognizer="local", parameters={"labels": {}})
    for action, state, said in (
        ("pause", "paused", "1 batch paused."),
        ("pause", "paused", "1 left alone: it was not running."),
        ("resume", "running", "1 batch resumed."),
        ("cancel", "cancelled", "1 batch cancelled."),
        ("resume", "cancelled", "1 left alone: it is not at rest."),
    ):
        assert told(act(browser, action, batch, at=at)) == said
        batch.refresh_from_db()
        assert batch.state == state


def test_a_bucket_is_synced_in_the_background(owner, browser):
    page = act(browser, "sync", create_bucket(owner), at=reverse("admin:analysis_bucket_changelist"))
    assert told(page).startswith("It goes on in the background")
    assert Bucket.objects.count() == 1
