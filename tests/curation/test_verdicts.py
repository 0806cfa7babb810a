"""Verdicts on labels: indexed at once and unaffected by new analyses."""

import re

import pytest

from analysis.curation import verdicts
from analysis.curation.errors import ActionRefused
from analysis.models import Analysis, ImageIndex, Label, LabelAlias, Verdict
from analysis.recognition.reindex_images import reindex
from tests.factories import create_analysis, create_image, create_label, create_labeled_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(owner):
    return create_labeled_image(owner, {"Dog": 62, "Cat": 80})


def decisions(image) -> dict[str, str]:
    return dict(image.verdicts.values_list("label__name", "decision"))


def reanalyze(image, **confidences) -> None:
    Analysis.objects.filter(image=image).update(is_current=False)
    create_analysis(image, state="done", answer=labels_answer(**confidences))
    reindex([image.pk])


def test_confirmed_label_stays_at_100_percent_after_reanalysis(image, owner):
    verdicts.confirm(image.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    assert label_rows(image) == {"Dog": 100, "Cat": 80}
    reanalyze(image, Cat=70)
    assert label_rows(image) == {"Dog": 100, "Cat": 70}


def test_rejected_label_stays_removed_after_reanalysis(image, owner):
    verdicts.reject(image.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    assert label_rows(image) == {"Cat": 80}
    reanalyze(image, Dog=99, Cat=80)
    assert label_rows(image) == {"Cat": 80}
    assert ImageIndex.objects.get(image=image).label_ids == [create_label("Cat").pk]


def test_cleared_verdict_restores_the_detected_label(image, owner):
    verdicts.reject(image.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    verdicts.clear(image.pk, label_id=create_label("Dog").pk, by_id=image.owner_id)
    assert (label_rows(image), decisions(image)) == ({"Dog": 62, "Cat": 80}, {})


def test_same_decision_again_keeps_author_and_time(image, owner, colleague):
    first = verdicts.decide(image.pk, label_id=create_label("Dog").pk, decision="confirmed", by_id=owner.pk)
    first.refresh_from_db()
    verdicts.confirm(image.pk, label_id=create_label("Dog").pk, by_id=colleague.pk)
    verdict = Verdict.objects.get()
    assert (verdict.by_id, verdict.decided_at) == (owner.pk, first.decided_at)


def test_new_name_creates_one_tag(image, owner):
    verdicts.add(image.pk, name="  Summer\u202e \x00holiday ", by_id=owner.pk)
    verdicts.add(image.pk, name="summer HOLIDAY", by_id=owner.pk)
    tag = Label.objects.get(name="Summer holiday")
    assert (tag.kind, decisions(image), label_rows(image)["Summer holiday"]) == (
        "tag",
        {"Summer holiday": "added"},
        100,
    )


def test_name_or_alias_of_a_label_adds_that_label(image, owner):
    LabelAlias.objects.create(name="Hound", label=create_label("Dog"))
    other = create_image(owner)
    for labeled, name in ((image, "hound"), (other, "DOG")):
        verdicts.add(labeled.pk, name=name, by_id=owner.pk)
    assert (label_rows(image)["Dog"], label_rows(other)) == (100, {"Dog": 100})
    assert not Label.objects.filter(kind="tag").exists()


def test_name_of_a_hidden_label_creates_a_tag(image, owner):
    Label.objects.filter(name="Dog").update(is_hidden=True)
    assert verdicts.add(image.pk, name="dog", by_id=owner.pk).label.kind == "tag"


def test_name_of_a_celebrity_creates_a_tag(image, owner):
    create_label("Ada Lovelace", kind="celebrity")
    assert verdicts.add(image.pk, name="Ada Lovelace", by_id=owner.pk).label.kind == "tag"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Tag can't be empty."),
        (" \u200e\n\x07", "Tag can't be empty."),
        ("a" * 1_201, "A tag can have at most 200 characters; this one has 1,201."),
    ],
)
def test_invalid_name_is_refused_with_a_message(image, owner, name, message):
    with pytest.raises(ActionRefused, match=f"^{re.escape(message)}$"):
        verdicts.add(image.pk, name=name, by_id=owner.pk)
    assert (decisions(image), Label.objects.filter(kind="tag").count()) == ({}, 0)


def test_adding_a_rejected_label_replaces_the_rejection(image, owner):
    verdicts.reject(image.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    verdicts.add(image.pk, name="dog", by_id=owner.pk)
    assert (decisions(image), label_rows(image)) == ({"Dog": "added"}, {"Dog": 100, "Cat": 80})


def test_confirming_an_added_tag_changes_nothing(image, owner, colleague):
    verdicts.add(image.pk, name="holiday", by_id=owner.pk)
    verdicts.confirm(image.pk, label_id=create_label("holiday", "tag").pk, by_id=colleague.pk)
    assert list(image.verdicts.values_list("decision", "by")) == [("added", owner.pk)]


def test_rejecting_an_added_tag_deletes_the_verdict(image, owner):
    verdicts.add(image.pk, name="holiday", by_id=owner.pk)
    verdicts.reject(image.pk, label_id=create_label("holiday", "tag").pk, by_id=owner.pk)
    assert (decisions(image), label_rows(image)) == ({}, {"Dog": 62, "Cat": 80})


def test_rejecting_an_added_label_that_was_detected_saves_the_rejection(image, owner):
    verdicts.add(image.pk, name="dog", by_id=owner.pk)
    verdicts.reject(image.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    assert (decisions(image), label_rows(image)) == ({"Dog": "rejected"}, {"Cat": 80})


def test_label_not_on_the_picture_can_be_neither_confirmed_nor_rejected(image, owner):
    with pytest.raises(ActionRefused, match=r"^This label is no longer on the picture\.$"):
        verdicts.confirm(image.pk, label_id=create_label("Fish").pk, by_id=owner.pk)
    verdicts.reject(image.pk, label_id=create_label("Fish").pk, by_id=owner.pk)
    assert decisions(image) == {}


def test_deleted_picture_is_refused(image, owner):
    image_id = image.pk
    image.delete()
    with pytest.raises(ActionRefused, match=r"^This picture no longer exists\.$"):
        verdicts.add(image_id, name="holiday", by_id=owner.pk)
    assert not Label.objects.filter(kind="tag").exists()
