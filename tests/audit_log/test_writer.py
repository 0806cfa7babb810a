"""Entries that each kind of change adds to the audit log."""

import pytest
from django.db import connection
from django.test import Client

from analysis import audit_log, pipeline
from analysis.audit_log.entries import entries_of_image, image_counts
from analysis.curation import bulk, bulk_steps, label_settings, ratings, trash, verdicts
from analysis.curation.bulk import Selection
from analysis.curation.label_settings import LabelUpdate
from analysis.curation.merge_duplicates import merge_duplicates
from analysis.curation.visibility import set_visibility
from analysis.models import AuditedImages, AuditEntry, BulkChange, Image
from analysis.search.syntax.parser import parse
from imagelib.accounts import api_tokens
from tests.factories import create_image, create_label, create_labeled_image

pytestmark = pytest.mark.django_db
Act = BulkChange.Action


def log() -> list[tuple]:
    """Action, object and label of each entry, the oldest first."""
    rows = AuditEntry.objects.order_by("pk")
    return list(rows.values_list("action", "object_type", "object_id", "label_name"))


def latest() -> AuditEntry:
    return AuditEntry.objects.latest("pk")


@pytest.fixture
def image(owner):
    return create_labeled_image(owner, {"Dog": 98, "Cat": 60}, filename="walk.jpg")


def test_verdicts_name_picture_label_and_person(image, owner):
    dog, cat = create_label("Dog"), create_label("Cat")
    verdicts.confirm(image.pk, label_id=dog.pk, by_id=owner.pk)
    verdicts.confirm(image.pk, label_id=dog.pk, by_id=owner.pk)  # changes nothing
    verdicts.reject(image.pk, label_id=cat.pk, by_id=owner.pk)
    verdicts.clear(image.pk, label_id=cat.pk, by_id=owner.pk)
    verdicts.clear(image.pk, label_id=cat.pk, by_id=owner.pk)  # nor does this
    verdicts.add(image.pk, name="holiday", by_id=owner.pk)
    verdicts.decide(image.pk, label_id=dog.pk, decision="rejected", by_id=owner.pk)
    picture = ("image", image.pk)
    assert log() == [
        ("confirm", *picture, "Dog"),
        ("reject", *picture, "Cat"),
        ("clear", *picture, "Cat"),
        ("add_tag", *picture, "holiday"),
        ("reject", *picture, "Dog"),
    ]
    entry = latest()
    assert (entry.actor_id, entry.actor_name, entry.object_name) == (owner.pk, "owner", "walk.jpg")
    assert (entry.source, entry.details) == ("background", {"before": "confirmed"})


def test_rating_trash_and_visibility(image, owner):
    ratings.set_favorite(image.pk, person_id=owner.pk, is_favorite=True)
    ratings.set_favorite(image.pk, person_id=owner.pk, is_favorite=True)
    ratings.rate(image.pk, person_id=owner.pk, stars=4)
    assert set_visibility(image, Image.Visibility.SHARED, by_id=owner.pk)
    assert not set_visibility(image, Image.Visibility.SHARED, by_id=owner.pk)
    assert trash.trash_image(image, by_id=owner.pk)
    assert not trash.trash_image(image, by_id=owner.pk)
    trash.restore(image.pk, by_id=owner.pk)
    trash.restore(image.pk, by_id=owner.pk)
    entries = AuditEntry.objects.order_by("pk").values_list("action", "details")
    assert list(entries) == [
        ("favorite", {}),
        ("rate", {"before": None, "after": 4}),
        ("open_to", {"before": 0, "after": 1}),
        ("trash", {}),
        ("restore", {}),
    ]


def test_bulk_change_is_one_entry_with_its_pictures(owner):
    images = [create_image(owner) for _ in range(3)]
    Image.objects.filter(pk=images[0].pk).update(visibility=Image.Visibility.SHARED)
    selection = Selection(owner, ids=tuple(image.pk for image in images))
    change = bulk.apply(selection, Act.OPEN_TO, visibility=Image.Visibility.SHARED)
    entry = latest()
    assert (entry.action, entry.object_id, entry.bulk_change_id) == ("open_to", None, change.pk)
    assert entry.details == {"action": "open_to", "visibility": 1}
    assert image_counts([entry.pk]) == {entry.pk: (2, images[1].pk)}
    assert [list(entries_of_image(image.pk, viewer_id=owner.pk)) for image in images] == [[], [entry], [entry]]
    bulk.undo(change.pk, by=owner)
    undone = latest()
    assert (undone.action, undone.details["action"]) == ("undo", "open_to")
    assert list(entries_of_image(images[2].pk, viewer_id=owner.pk)) == [undone, entry]


def test_bulk_change_that_changes_nothing_is_not_recorded(owner, stranger):
    image = create_image(stranger)
    bulk.apply(Selection(owner, ids=(image.pk,)), Act.TRASH)
    assert log() == []


def test_bulk_change_in_steps_is_one_entry(owner):
    images = [create_labeled_image(owner, {"Dog": 90}) for _ in range(3)]
    change = BulkChange.objects.create(person=owner, action=Act.TRASH)
    for image in images:
        bulk.apply_step(change, [image.pk])
    assert [action for action, *_ in log()] == ["trash"]
    assert list(AuditedImages.objects.order_by("pk").values_list("image_ids", flat=True)) == [
        [image.pk] for image in images
    ]


def test_background_change_is_recorded_by_the_request(owner):
    image = create_labeled_image(owner, {"Dog": 90})
    change = pipeline.start_bulk_change(Selection(owner, query=parse("dog")), Act.TRASH)
    assert (latest().action, latest().details["query"]) == ("trash", "dog")
    bulk_steps.continue_change(change.pk)
    assert image_counts([latest().pk]) == {latest().pk: (1, image.pk)}
    bulk_steps.undo(change.pk, by=owner)
    bulk_steps.continue_change(change.pk)
    assert [action for action, *_ in log()] == ["trash", "undo"]
    assert image_counts([latest().pk]) == {latest().pk: (1, image.pk)}


def test_merged_duplicates_are_one_entry(owner):
    best, other = create_image(owner), create_image(owner)
    merge_duplicates(best.pk, instead_of=[other.pk], by=owner)
    assert latest().action == "keep"
    assert AuditedImages.objects.get().image_ids == [best.pk, other.pk]


def test_label_settings_with_old_and_new_values(owner):
    dog, hound = create_label("Dog"), create_label("Hound")
    update = LabelUpdate(revision=0, category="Animals", is_hidden=False, threshold=60, merged_into_id=dog.pk)
    pipeline.change_label(hound.pk, update, by_id=owner.pk)
    label_settings.hide([dog.pk, hound.pk], is_hidden=True, by_id=owner.pk)
    entries = AuditEntry.objects.order_by("pk").values_list("action", "object_name", "details")
    assert list(entries) == [
        ("change", "Hound", {"values": {"category": ["", "Animals"], "threshold": [None, 60]}}),
        ("merge", "Hound", {"values": {"merged_into": [None, "Dog"]}}),
        ("change", "Dog", {"values": {"is_hidden": [False, True]}}),
        ("change", "Hound", {"values": {"is_hidden": [False, True]}}),
    ]


def test_tokens_without_their_secret(owner):
    token, text = api_tokens.create(owner, name="backup", scopes=["read"], days=30)
    api_tokens.revoke(token, by_id=owner.pk)
    api_tokens.revoke(token, by_id=owner.pk)
    assert [(action, kind) for action, kind, *_ in log()] == [("add", "apitoken"), ("revoke", "apitoken")]
    assert not any(text in str(entry.details) for entry in AuditEntry.objects.all())


def test_entry_survives_picture_and_account(image, stranger):
    verdicts.add(image.pk, name="holiday", by_id=stranger.pk)
    image.verdicts.all().delete()
    image.delete()
    stranger.delete()
    assert (latest().object_name, latest().actor_name) == ("walk.jpg", "stranger")


def test_source_is_page_or_token(image, owner, signed_in):
    signed_in(owner).post(f"/images/{image.pk}/trash/")
    assert (latest().source, latest().details) == ("page", {})
    token, text = api_tokens.create(owner, name="backup", scopes=["write"], days=None)
    answer = Client().post(f"/api/v1/images/{image.pk}/restore", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 200
    assert (latest().source, latest().details) == ("api", {"token": f"backup ({token.hint}…)"})
    audit_log.record("trash", image, by_id=owner.pk)
    assert latest().source == "background"  # once the request is over


def test_history_of_a_picture_hides_others_ratings(image, owner, colleague):
    Image.objects.update(visibility=Image.Visibility.SHARED)
    ratings.set_favorite(image.pk, person_id=colleague.pk, is_favorite=True)
    ratings.rate(image.pk, person_id=owner.pk, stars=3)
    assert [entry.action for entry in entries_of_image(image.pk, viewer_id=owner.pk)] == ["rate"]
    assert [entry.action for entry in entries_of_image(image.pk, viewer_id=colleague.pk)] == ["favorite"]


def test_pictures_of_an_entry_are_found_by_an_index():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT entry_id FROM analysis_auditedimages WHERE image_ids @> ARRAY[7]::bigint[]")
        assert "auditedimages_image" in "".join(line for (line,) in cursor.fetchall())
