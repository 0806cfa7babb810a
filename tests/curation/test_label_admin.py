"""Merged labels, thresholds: in effect through re-analysis and reindex, and nothing that was answered is rewritten."""

import pytest

from analysis import tasks
from analysis.curation import label_admin, verdicts
from analysis.curation.errors import ActionRefused
from analysis.curation.label_admin import STALE_REVISION, LabelUpdate
from analysis.curation.tags import get_or_create_tag
from analysis.models import Analysis, Label, Viewer
from analysis.recognition import reindex_label
from analysis.recognition.reindex_all import rebuild
from analysis.recognition.search_index import reindex
from analysis.search import results
from analysis.search.autocomplete import complete
from analysis.search.label_counts import refresh_label_counts
from analysis.search.syntax.parser import parse
from tests.factories import create_analysis, create_image, create_label, create_labeled_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db


def wanted(label, **changed) -> LabelUpdate:
    label.refresh_from_db()
    present = {name: getattr(label, name) for name in ("revision", "category", "is_hidden", "threshold")}
    return LabelUpdate(**{**present, "merged_into_id": label.merged_into_id, **changed})


def change(name, **changed) -> None:
    label = create_label(name)
    for label_id in label_admin.update_label(label.pk, wanted(label, **changed)):
        tasks.reindex_label(label_id=label_id)


def merge(name, into) -> None:
    change(name, merged_into_id=create_label(into).pk)


def found(query, owner) -> list[int]:
    return [image.pk for image in results.page(parse(query), viewer=Viewer(owner.pk)).images]


def test_a_merged_label_is_the_other_now_and_ever_after(owner):
    puppy, both = create_labeled_image(owner, {"Puppy": 80}), create_labeled_image(owner, {"Puppy": 95, "Dog": 70})
    answers = list(Analysis.objects.order_by("pk").values("answer", "model_version"))
    merge("Puppy", "Dog")
    assert (label_rows(puppy), label_rows(both)) == ({"Dog": 80}, {"Dog": 95})
    assert list(Analysis.objects.order_by("pk").values("answer", "model_version")) == answers
    Analysis.objects.filter(image=puppy).delete()
    create_analysis(puppy, state="done", answer=labels_answer(Puppy=60))
    reindex([puppy.pk])
    assert label_rows(puppy) == {"Dog": 60}
    assert [step.differing for step in rebuild()] == [{}]
    assert found("puppy", owner) == found("dog", owner) == [both.pk, puppy.pk]
    assert Label.objects.get(name="Puppy").reindex_cursor is None


def test_what_is_not_gone_through_yet_is_found_by_both_names(owner):
    image = create_labeled_image(owner, {"Puppy": 80})
    label_admin.update_label(
        create_label("Puppy").pk, wanted(create_label("Puppy"), merged_into_id=create_label("Dog").pk)
    )
    assert label_rows(image) == {"Puppy": 80}
    assert found("puppy", owner) == found("dog", owner) == [image.pk]
    assert reindex_label.pending_label_ids() == [create_label("Puppy").pk]


def test_what_a_worker_wrote_meanwhile_is_gone_through_once_more(owner):
    merge("Puppy", "Dog")
    image = create_labeled_image(owner, {"Puppy": 80})
    image.image_labels.update(label=create_label("Puppy"))  # by whoever knew nothing of it yet
    refresh_label_counts()
    assert reindex_label.pending_label_ids() == [create_label("Puppy").pk]
    tasks.reindex_label(label_id=create_label("Puppy").pk)
    assert (label_rows(image), reindex_label.pending_label_ids()) == ({"Dog": 80}, [])


def test_taken_apart_again_each_says_what_it_said(owner):
    image = create_labeled_image(owner, {"Puppy": 95, "Dog": 70})
    merge("Puppy", "Dog")
    change("Puppy", merged_into_id=None)
    assert label_rows(image) == {"Puppy": 95, "Dog": 70}


def test_what_a_label_stood_for_the_other_stands_for(owner):
    image = create_labeled_image(owner, {"Whelp": 88})
    merge("Whelp", "Puppy")
    merge("Puppy", "Dog")
    assert Label.objects.get(name="Whelp").merged_into.name == "Dog"
    assert label_rows(image) == {"Dog": 88}


def test_peoples_words_on_either_count_the_last_one_most(owner):
    image = create_labeled_image(owner, {"Puppy": 80, "Dog": 70})
    verdicts.reject(image.pk, label_id=create_label("Puppy").pk, by_id=owner.pk)
    merge("Puppy", "Dog")
    assert label_rows(image) == {}
    verdicts.add(image.pk, name="dog", by_id=owner.pk)
    assert label_rows(image) == {"Dog": 100}


def test_the_name_that_is_typed_is_the_standing_label(owner):
    create_labeled_image(owner, {"Puppy": 80})
    merge("Puppy", "Dog")
    assert get_or_create_tag("puppy").name == "Dog"
    suggested = complete("pup", cursor=3, viewer=Viewer(owner.pk))
    assert [each.text for each in suggested] == ["Dog (Puppy)"]


@pytest.mark.parametrize(
    ("name", "into", "sentence"),
    [
        ("Dog", "Dog", "“Dog” cannot be merged into itself."),
        ("Dog", "Puppy", "“Puppy” is merged into “Dog” already; the two would go round in a circle."),
    ],
)
def test_circles_are_refused(name, into, sentence, owner):
    create_labeled_image(owner, {"Puppy": 80, "Dog": 70})
    merge("Puppy", "Dog")
    with pytest.raises(ActionRefused, match=sentence):
        merge(name, into)


def test_labels_of_two_kinds_are_not_merged():
    tag = create_label("dog", kind="tag")
    with pytest.raises(ActionRefused, match="only labels of one kind are merged"):
        label_admin.update_label(create_label("Dog").pk, wanted(create_label("Dog"), merged_into_id=tag.pk))


def test_the_second_of_two_who_save_is_told():
    label = create_label("Dog")
    first = second = wanted(label)
    label_admin.update_label(label.pk, first)
    with pytest.raises(ActionRefused, match=STALE_REVISION):
        label_admin.update_label(label.pk, second)


def test_below_its_threshold_a_label_does_not_count_unless_people_say_so(owner):
    unsure, sure = create_labeled_image(owner, {"Dog": 70}), create_labeled_image(owner, {"Dog": 80})
    said = create_labeled_image(owner, {"Dog": 60})
    verdicts.confirm(said.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    change("Dog", threshold=80)
    assert [label_rows(each) for each in (unsure, sure, said)] == [{}, {"Dog": 80}, {"Dog": 100}]
    change("Dog", threshold=None)
    assert [label_rows(each) for each in (unsure, sure, said)] == [{"Dog": 70}, {"Dog": 80}, {"Dog": 100}]


def test_pictures_are_gone_through_window_by_window(owner):
    images = [create_labeled_image(owner, {"Puppy": 80}) for _ in range(3)]
    create_image(owner)
    puppy = create_label("Puppy")
    label_admin.update_label(puppy.pk, wanted(puppy, merged_into_id=create_label("Dog").pk))
    assert reindex_label.reindex_label(puppy.pk, seconds=0)  # it goes on from where it is
    assert not reindex_label.reindex_label(puppy.pk, size=2)
    assert [label_rows(image) for image in images] == [{"Dog": 80}] * 3
