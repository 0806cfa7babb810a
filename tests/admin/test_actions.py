"""Actions on many rows: of any owner, on a whole search, on nothing, on bad input."""

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
NOTHING = "Nothing is selected. Select rows first."


@pytest.fixture
def browser(staff, signed_in):
    return signed_in(staff)


def act(browser, action, *rows, at=PICTURES, **data):
    """Run an action on selected rows; returns the next page."""
    data = {"action": action, "_selected_action": [getattr(row, "pk", row) for row in rows], **data}
    return browser.post(at, data, follow=True)


def act_on_all(browser, action, row, query="", **data):
    """Run an action on all results of a search, of which one row is selected."""
    return act(browser, action, row, at=f"{PICTURES}?q={query}", select_across="1", **data)


def messages_of(page) -> str:
    return " ".join(str(message) for message in page.context["messages"])


@pytest.fixture
def theirs(owner, colleague):
    """Private pictures of two people, neither of them the staff user."""
    return [create_labeled_image(owner, {"Dog": 98}), create_labeled_image(colleague, {"Dog": 90})]


def test_tag_is_entered_then_added_for_all_owners(theirs, browser):
    page = act(browser, "add_tag", *theirs)
    assert "2 pictures" in page.content.decode()
    assert not Verdict.objects.exists()
    message = messages_of(act(browser, "add_tag", *theirs, confirmed="yes", tag="holiday"))
    assert message.startswith("Changed 2 pictures, skipped 0 (already up to date or not editable).")
    assert [label_rows(image)["holiday"] for image in theirs] == [100, 100]
    act(browser, "remove_tag", theirs[0], confirmed="yes", tag="Holiday")
    assert ["holiday" in label_rows(image) for image in theirs] == [False, True]


def test_missing_and_unknown_tags_are_reported(theirs, browser):
    assert b"This field is required." in act(browser, "add_tag", *theirs, confirmed="yes", tag="").content
    assert (
        messages_of(act(browser, "remove_tag", *theirs, confirmed="yes", tag="nope"))
        == "There is no tag or label “nope”."
    )


def test_visibility_and_owner_change_for_all_owners(theirs, colleague, stranger, browser):
    act(browser, "open_to", *theirs, confirmed="yes", visibility="2")
    assert set(Image.objects.values_list("visibility", flat=True)) == {2}
    act(browser, "give", *theirs, confirmed="yes", owner="stranger")
    assert set(Image.objects.values_list("owner__username", flat=True)) == {"stranger"}
    assert messages_of(act(browser, "give", *theirs, confirmed="yes", owner="x")) == "There is no user “x”."


def test_picture_cannot_move_to_owner_who_has_it(owner, colleague, browser):
    theirs, mine = create_image(colleague, sha256="a" * 64), create_image(owner, sha256="a" * 64)
    assert messages_of(act(browser, "give", mine, theirs, confirmed="yes", owner="colleague")).startswith(
        "Changed 0 pictures, skipped 2 (already up to date"
    )
    assert Image.objects.get(pk=mine.pk).owner == owner


def test_owner_change_is_undone(theirs, owner, colleague, stranger, browser):
    act(browser, "give", *theirs, confirmed="yes", owner="stranger")
    message = messages_of(
        act(browser, "undo", BulkChange.objects.get(), at=reverse("admin:analysis_bulkchange_changelist"))
    )
    assert message == f"Change {BulkChange.objects.get().pk} undone for 2 pictures."
    assert [Image.objects.get(pk=image.pk).owner for image in theirs] == [owner, colleague]


def test_large_change_is_undone_in_background(theirs, browser, monkeypatch):
    act(browser, "trash", *theirs)
    change = BulkChange.objects.get()
    monkeypatch.setattr(bulk_changes, "MAX_IMMEDIATE", 1)
    page = act(browser, "undo", change, at=reverse("admin:analysis_bulkchange_changelist"))
    assert messages_of(page) == f"Undoing change {change.pk} in the background."
    assert Image.objects.filter(trashed_at=None).count() == 0
    tasks.continue_bulk_change(change_id=change.pk)
    assert Image.objects.filter(trashed_at=None).count() == 2


def test_pictures_are_trashed_and_restored(theirs, browser):
    assert messages_of(act(browser, "trash", *theirs)).startswith("Changed 2 pictures,")
    assert Image.objects.filter(trashed_at=None).count() == 0
    act(browser, "restore", *theirs)
    assert Image.objects.filter(trashed_at=None).count() == 2


def test_change_of_another_person_cannot_be_undone(theirs, owner, browser):
    change = BulkChange.objects.create(person=owner, action="trash")
    page = act(browser, "undo", change, at=reverse("admin:analysis_bulkchange_changelist"))
    assert messages_of(page) == f"Change {change.pk}: This can no longer be undone."


def test_action_on_all_results_keeps_search_and_is_confirmed(theirs, owner, browser):
    cat = create_labeled_image(owner, {"Cat": 90})
    page = act_on_all(browser, "trash", cat, "dog").content.decode()
    assert "all results of this search (2 pictures)" in page
    assert page.count('name="_selected_action"') == 1
    assert Image.objects.filter(trashed_at=None).count() == 3
    act_on_all(browser, "trash", cat, "dog", confirmed="yes")
    assert list(Image.objects.filter(trashed_at=None)) == [cat]


def test_invalid_search_changes_nothing(theirs, browser):
    act_on_all(browser, "trash", theirs[0], '"dog', confirmed="yes")
    act_on_all(browser, "trash", theirs[0], "&is=nonsense", confirmed="yes")
    act_on_all(browser, "delete_selected", theirs[0], '"dog', confirmed="yes")
    assert Image.objects.filter(trashed_at=None).count() == 2


@pytest.mark.parametrize("action", ["add_tag", "trash", "reanalyze", "delete_selected"])
def test_action_without_selection_changes_nothing(action, theirs, browser):
    assert messages_of(act(browser, action)) == NOTHING
    assert messages_of(act(browser, action, "nonsense", 2**70)) == NOTHING
    assert Image.objects.filter(trashed_at=None).count() == 2


def test_bulk_change_runs_in_background(theirs, staff, django_capture_on_commit_callbacks):
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


def test_duplicate_search_is_refused_for_background_change(staff):
    from analysis.curation.bulk import Selection
    from analysis.curation.errors import ActionRefused
    from analysis.search.syntax.parser import parse

    with pytest.raises(ActionRefused, match="Duplicates can't be changed all at once"):
        bulk_steps.start(Selection(staff, query=parse("is:duplicate")), BulkChange.Action.TRASH)


def test_pictures_are_deleted_after_confirmation(theirs, browser):
    assert b"This cannot be undone." in act(browser, "delete_selected", *theirs).content
    act(browser, "delete_selected", theirs[0], confirmed="yes")
    assert list(Image.objects.all()) == [theirs[1]]


OPTIONS = {"confirmed": "yes", "apis": ["labels"], "scope": "all"}


def test_reanalysis_is_estimated_before_start(theirs, browser, rekognition):
    page = act(browser, "reanalyze", *theirs)
    assert (b"Show estimate" in page.content, b"Start bulk run" in page.content) == (True, False)
    page = act(browser, "reanalyze", *theirs, **OPTIONS, start="yes")
    assert not Batch.objects.exists()
    assert "2 of 2 pictures to analyze · 2 analyses · $0.00" in page.context["summary"]
    digest = page.context["digest"]
    other = act(browser, "reanalyze", *theirs, **OPTIONS, is_forced="on", start="yes", estimated=digest)
    assert (Batch.objects.count(), other.context["digest"] == digest) == (0, False)
    assert "started in the background" in messages_of(
        act(browser, "reanalyze", *theirs, **OPTIONS, start="yes", estimated=digest, token=page.context["token"])
    )
    batch = Batch.objects.get()
    assert (batch.uses_id_list, batch.all_owners, batch.state) == (True, True, "running")
    assert sorted(batch.named.values_list("image_id", flat=True)) == sorted(image.pk for image in theirs)


def test_reanalysis_of_all_results_keeps_search(theirs, browser, rekognition):
    context = act_on_all(browser, "reanalyze", theirs[0], "dog", **OPTIONS).context
    start = {"start": "yes", "estimated": context["digest"], "token": context["token"]}
    act_on_all(browser, "reanalyze", theirs[0], "dog", **OPTIONS, **start)
    batch = Batch.objects.get()
    assert (batch.query, batch.uses_id_list, batch.all_owners) == ("dog", False, True)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"budget": "-1"}, "The budget must be from $0.00 to $100,000.00, not -1."),
        ({"rate": "0"}, "The rate must be from 0.01 to 100,000 calls per second and API, not 0."),
        ({"limit": "0"}, "The limit must be at least 1 picture, not 0."),
        ({"budget": "much"}, "Enter a number."),
    ],
)
def test_invalid_reanalysis_option_is_explained(data, sentence, theirs, browser):
    page = act(browser, "reanalyze", *theirs, **OPTIONS, **data)
    assert sentence in page.content.decode()
    assert not Batch.objects.exists()


def test_reanalysis_form_sent_twice_starts_one_run(theirs, browser, rekognition):
    page = act(browser, "reanalyze", *theirs, **OPTIONS, is_forced="on")
    data = {"start": "yes", "estimated": page.context["digest"], "token": page.context["token"]}
    for sentence in ("started in the background", "was already started from this estimate"):
        message = messages_of(act(browser, "reanalyze", *theirs, **OPTIONS, is_forced="on", **data))
        assert sentence in message
        assert f"Bulk run {Batch.objects.get().pk}" in message


def test_rerun_form_sent_twice_queues_once(owner, browser):
    at, done = reverse("admin:analysis_analysis_changelist"), create_analysis(create_image(owner), state="done")
    page = act(browser, "rerun", done, at=at)
    assert ("You will be charged again" in page.content.decode(), Analysis.objects.count()) == (True, 1)
    data = {"confirmed": "yes", "estimated": page.context["digest"]}
    assert messages_of(act(browser, "rerun", done, at=at, **data)).startswith("1 analysis queued.")
    Analysis.objects.exclude(pk=done.pk).update(
        state="done", finished_at=timezone.now(), model_version="3.0", answer={}
    )
    assert messages_of(act(browser, "rerun", done, at=at, **data)).startswith("0 analyses queued.")
    assert Analysis.objects.count() == 2


def test_retry_queues_failed_analyses_only(owner, browser):
    failed, done = (
        create_analysis(create_image(owner), state="failed"),
        create_analysis(create_image(owner), state="done"),
    )
    page = act(browser, "retry", failed, done, at=reverse("admin:analysis_analysis_changelist"))
    assert messages_of(page) == "1 analysis queued. Analyses already in progress were skipped."
    assert list(Analysis.objects.filter(state="queued").values_list("image_id", flat=True)) == [failed.image_id]


def test_batch_is_paused_resumed_and_canceled(browser):
    at = reverse("admin:analysis_batch_changelist")
    batch = Batch.objects.create(recognizer="local", parameters={"labels": {}})
    for action, state, message in (
        ("pause", "paused", "1 bulk run paused."),
        ("pause", "paused", "1 bulk run was not running."),
        ("resume", "running", "1 bulk run resumed."),
        ("cancel", "cancelled", "1 bulk run canceled."),
        ("resume", "cancelled", "1 bulk run is not paused or stopped."),
    ):
        assert messages_of(act(browser, action, batch, at=at)) == message
        batch.refresh_from_db()
        assert batch.state == state


def test_bucket_is_synced_in_background(owner, browser):
    page = act(browser, "sync", create_bucket(owner), at=reverse("admin:analysis_bucket_changelist"))
    assert messages_of(page).startswith("Sync started in the background.")
    assert Bucket.objects.count() == 1
