"""Merges and thresholds of labels; stored analyses are not changed."""

import pytest

from analysis import tasks
from analysis.curation import label_settings, verdicts
from analysis.curation.errors import ActionRefused
from analysis.curation.label_settings import STALE_REVISION, LabelUpdate
from analysis.curation.tags import get_or_create_tag
from analysis.models import Analysis, Label, Viewer
from analysis.recognition import reindex_label
from analysis.recognition.reindex_all import rebuild
from analysis.recognition.reindex_images import reindex
from analysis.search import results
from analysis.search.autocomplete import complete
from analysis.search.label_counts import refresh_label_counts
from analysis.search.syntax.parser import parse
from tests.factories import create_analysis, create_image, create_label, create_labeled_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db


def update_of(label, **changed) -> LabelUpdate:
    label.refresh_from_db()
    values = {name: getattr(label, name) for name in ("revision", "category", "is_hidden", "threshold")}
    return LabelUpdate(**{**values, "merged_into_id": label.merged_into_id, **changed})


def change(name, **changed) -> None:
    label = create_label(name)
    for label_id in label_settings.update_label(label.pk, update_of(label, **changed), by_id=0):
        tasks.reindex_label(label_id=label_id)


def merge(name, into) -> None:
    change(name, merged_into_id=create_label(into).pk)


def search(query, owner) -> list[int]:
    return [image.pk for image in results.page(parse(query), viewer=Viewer(owner.pk)).images]


def test_merge_applies_to_stored_and_new_analyses(owner):
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
    assert search("puppy", owner) == search("dog", owner) == [both.pk, puppy.pk]
    assert Label.objects.get(name="Puppy").reindex_cursor is None


def test_pictures_not_reindexed_yet_are_found_by_both_names(owner):
    image = create_labeled_image(owner, {"Puppy": 80})
    update = update_of(create_label("Puppy"), merged_into_id=create_label("Dog").pk)
    label_settings.update_label(create_label("Puppy").pk, update, by_id=0)
    assert label_rows(image) == {"Puppy": 80}
    assert search("puppy", owner) == search("dog", owner) == [image.pk]
    assert reindex_label.pending_label_ids() == [create_label("Puppy").pk]


def test_row_written_during_a_merge_is_reindexed(owner):
    merge("Puppy", "Dog")
    image = create_labeled_image(owner, {"Puppy": 80})
    image.image_labels.update(label=create_label("Puppy"))  # by a worker that read the label before the merge
    refresh_label_counts()
    assert reindex_label.pending_label_ids() == [create_label("Puppy").pk]
    tasks.reindex_label(label_id=create_label("Puppy").pk)
    assert (label_rows(image), reindex_label.pending_label_ids()) == ({"Dog": 80}, [])


def test_undone_merge_restores_both_labels(owner):
    image = create_labeled_image(owner, {"Puppy": 95, "Dog": 70})
    merge("Puppy", "Dog")
    change("Puppy", merged_into_id=None)
    assert label_rows(image) == {"Puppy": 95, "Dog": 70}


def test_labels_merged_into_a_merged_label_follow_it(owner):
    image = create_labeled_image(owner, {"Whelp": 88})
    merge("Whelp", "Puppy")
    merge("Puppy", "Dog")
    assert Label.objects.get(name="Whelp").merged_into.name == "Dog"
    assert label_rows(image) == {"Dog": 88}


def test_last_verdict_on_any_merged_label_counts(owner):
    image = create_labeled_image(owner, {"Puppy": 80, "Dog": 70})
    verdicts.reject(image.pk, label_id=create_label("Puppy").pk, by_id=owner.pk)
    merge("Puppy", "Dog")
    assert label_rows(image) == {}
    verdicts.add(image.pk, name="dog", by_id=owner.pk)
    assert label_rows(image) == {"Dog": 100}


def test_typed_name_of_a_merged_label_is_its_target(owner):
    create_labeled_image(owner, {"Puppy": 80})
    merge("Puppy", "Dog")
    assert get_or_create_tag("puppy").name == "Dog"
    suggested = complete("pup", cursor=3, viewer=Viewer(owner.pk))
    assert [option.text for option in suggested] == ["Dog (Puppy)"]


@pytest.mark.parametrize(
    ("name", "into", "message"),
    [
        ("Dog", "Dog", "“Dog” cannot be merged into itself."),
        ("Dog", "Puppy", "“Puppy” is already merged into “Dog”; that would create a circular merge."),
    ],
)
def test_circular_merge_is_refused(name, into, message, owner):
    create_labeled_image(owner, {"Puppy": 80, "Dog": 70})
    merge("Puppy", "Dog")
    with pytest.raises(ActionRefused, match=message):
        merge(name, into)


def test_merge_of_different_kinds_is_refused():
    tag, dog = create_label("dog", kind="tag"), create_label("Dog")
    with pytest.raises(ActionRefused, match="Only labels of the same kind can be merged"):
        label_settings.update_label(dog.pk, update_of(dog, merged_into_id=tag.pk), by_id=0)


def test_second_of_two_concurrent_edits_is_refused():
    label = create_label("Dog")
    first = second = update_of(label)
    label_settings.update_label(label.pk, first, by_id=0)
    with pytest.raises(ActionRefused, match=str(STALE_REVISION)):
        label_settings.update_label(label.pk, second, by_id=0)


def test_threshold_hides_less_confident_labels_unless_confirmed(owner):
    unsure, sure = create_labeled_image(owner, {"Dog": 70}), create_labeled_image(owner, {"Dog": 80})
    confirmed = create_labeled_image(owner, {"Dog": 60})
    verdicts.confirm(confirmed.pk, label_id=create_label("Dog").pk, by_id=owner.pk)
    change("Dog", threshold=80)
    assert [label_rows(image) for image in (unsure, sure, confirmed)] == [{}, {"Dog": 80}, {"Dog": 100}]
    change("Dog", threshold=None)
    assert [label_rows(image) for image in (unsure, sure, confirmed)] == [{"Dog": 70}, {"Dog": 80}, {"Dog": 100}]


def test_reindex_continues_window_by_window(owner):
    images = [create_labeled_image(owner, {"Puppy": 80}) for _ in range(3)]
    create_image(owner)
    puppy = create_label("Puppy")
    label_settings.update_label(puppy.pk, update_of(puppy, merged_into_id=create_label("Dog").pk), by_id=0)
    Label.objects.filter(pk=puppy.pk).update(reindex_cursor=images[0].pk - 1)  # ids grow from test to test
    assert reindex_label.reindex_label(puppy.pk, seconds=0)
    assert not reindex_label.reindex_label(puppy.pk, size=2)
    assert [label_rows(image) for image in images] == [{"Dog": 80}] * 3
