"""A person's word on a label: in effect at once, kept through every analysis, taken back without a trace."""

import re

import pytest

from analysis.curation import verdicts
from analysis.curation.errors import ActionRefused
from analysis.models import Analysis, ImageIndex, Label, LabelAlias, Verdict
from analysis.recognition.search_index import reindex
from tests.factories import create_analysis, create_image, create_label, create_labeled_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(owner):
    return create_labeled_image(owner, {"Dog": 62, "Cat": 80})


def said(image) -> dict[str, str]:
    return dict(image.verdicts.values_list("label__name", "decision"))


def analyzed_again(image, **confidences) -> None:
    Analysis.objects.filter(image=image).update(is_current=False)
    create_analysis(image, state="done", answer=labels_answer(**confidences))
    reindex([image.pk])


def test_what_is_confirmed_counts_as_sure_also_when_the_machine_changes_its_mind(image, owner):
    verdicts.confirm(image.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    assert label_rows(image) == {"Dog": 100, "Cat": 80}
    analyzed_again(image, Cat=70)
    assert label_rows(image) == {"Dog": 100, "Cat": 70}


def test_what_is_rejected_is_gone_and_stays_gone(image, owner):
    verdicts.reject(image.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    assert label_rows(image) == {"Cat": 80}
    analyzed_again(image, Dog=99, Cat=80)
    assert label_rows(image) == {"Cat": 80}
    assert ImageIndex.objects.get(image=image).label_ids == [create_label("Cat").pk]


def test_what_is_taken_back_leaves_the_machines_answer(image, owner):
    verdicts.reject(image.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    verdicts.clear(image.pk, label_id=create_label("Dog").pk)
    assert (label_rows(image), said(image)) == ({"Dog": 62, "Cat": 80}, {})


def test_the_same_word_again_keeps_who_said_it_and_when(image, owner, colleague):
    first = verdicts.decide(image.pk, label_id=create_label("Dog").pk, decision="confirmed", by_id=owner.pk)
    first.refresh_from_db()
    verdicts.confirm(image.pk, label_id=create_label("Dog").pk, by_id=colleague.pk)
    now = Verdict.objects.get()
    assert (now.by_id, now.decided_at) == (owner.pk, first.decided_at)


def test_a_new_word_is_a_tag_and_the_same_one_again_is_that_tag(image, owner):
    verdicts.add(image.pk, name="  Summer\u202e \x00holiday ", by_id=owner.pk)
    verdicts.add(image.pk, name="summer HOLIDAY", by_id=owner.pk)
    tag = Label.objects.get(name="Summer holiday")
    assert (tag.kind, said(image), label_rows(image)["Summer holiday"]) == ("tag", {"Summer holiday": "added"}, 100)


def test_a_word_that_names_a_label_or_its_alias_is_that_label(image, owner):
    LabelAlias.objects.create(name="Hound", label=create_label("Dog"))
    other = create_image(owner)
    for picture, name in ((image, "hound"), (other, "DOG")):
        verdicts.add(picture.pk, name=name, by_id=owner.pk)
    assert (label_rows(image)["Dog"], label_rows(other)) == (100, {"Dog": 100})
    assert not Label.objects.filter(kind="tag").exists()


def test_a_word_that_names_a_hidden_label_is_a_tag_to_be_seen(image, owner):
    Label.objects.filter(name="Dog").update(is_hidden=True)
    assert verdicts.add(image.pk, name="dog", by_id=owner.pk).label.kind == "tag"


def test_a_word_that_names_someone_is_a_tag(image, owner):
    create_label("Ada Lovelace", kind="celebrity")
    assert verdicts.add(image.pk, name="Ada Lovelace", by_id=owner.pk).label.kind == "tag"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "A tag needs at least one letter, digit or sign."),
        (" \u200e\n\x07", "A tag needs at least one letter, digit or sign."),
        ("a" * 1_201, "A tag has at most 200 characters; this one has 1,201."),
    ],
)
def test_what_is_no_name_is_refused_in_a_sentence(image, owner, name, sentence):
    with pytest.raises(ActionRefused, match=f"^{re.escape(sentence)}$"):
        verdicts.add(image.pk, name=name, by_id=owner.pk)
    assert (said(image), Label.objects.filter(kind="tag").count()) == ({}, 0)


def test_adding_what_was_rejected_brings_it_back(image, owner):
    verdicts.reject(image.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    verdicts.add(image.pk, name="dog", by_id=owner.pk)
    assert (said(image), label_rows(image)) == ({"Dog": "added"}, {"Dog": 100, "Cat": 80})


def test_what_a_person_added_is_right_already(image, owner, colleague):
    verdicts.add(image.pk, name="holiday", by_id=owner.pk)
    verdicts.confirm(image.pk, label_id=create_label("holiday", "tag").pk, by_id=colleague.pk)
    assert list(image.verdicts.values_list("decision", "by")) == [("added", owner.pk)]


def test_rejecting_what_only_people_said_leaves_nothing(image, owner):
    verdicts.add(image.pk, name="holiday", by_id=owner.pk)
    verdicts.reject(image.pk, label_id=create_label("holiday", "tag").pk, by_id=owner.pk)
    assert (said(image), label_rows(image)) == ({}, {"Dog": 62, "Cat": 80})


def test_rejecting_what_was_added_and_found_since_says_so(image, owner):
    verdicts.add(image.pk, name="dog", by_id=owner.pk)
    verdicts.reject(image.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    assert (said(image), label_rows(image)) == ({"Dog": "rejected"}, {"Cat": 80})


def test_what_is_not_on_the_picture_can_be_neither_confirmed_nor_rejected(image, owner):
    with pytest.raises(ActionRefused, match=r"^This label is not on the picture any more\.$"):
        verdicts.confirm(image.pk, label_id=create_label("Fish").pk, by_id=owner.pk)
    verdicts.reject(image.pk, label_id=create_label("Fish").pk, by_id=owner.pk)
    assert said(image) == {}


def test_a_picture_that_was_removed_meanwhile_is_refused(image, owner):
    gone = image.pk
    image.delete()
    with pytest.raises(ActionRefused, match=r"^This picture is not here any more\.$"):
        verdicts.add(gone, name="holiday", by_id=owner.pk)
    assert not Label.objects.filter(kind="tag").exists()
