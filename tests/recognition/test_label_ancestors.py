"""A label includes its descendants, from any source."""

import pytest
from django.db import transaction

from analysis import tasks
from analysis.curation import bulk, label_settings, verdicts
from analysis.curation.bulk import Selection
from analysis.curation.label_settings import LabelUpdate
from analysis.ingest.descriptive_metadata import DescriptiveMetadata
from analysis.library.embedded_metadata import save_embedded_metadata
from analysis.models import BulkChange, ImageIndex, ImageLabel, Label, LabelAncestor, Viewer
from analysis.recognition.label_ancestors import refresh_ancestors
from analysis.recognition.reindex_ancestors import is_pending, refresh_all, reindex_ancestors
from analysis.recognition.reindex_images import reindex
from analysis.recognition.reindex_label import reindex_label
from analysis.search.results import image_ids
from analysis.search.syntax.parser import parse
from tests import rekognition_responses
from tests.factories import create_analysis, create_image, create_label, create_labeled_image, label_rows

pytestmark = pytest.mark.django_db
VEHICLES = (("Sedan", "Car"), ("Car", "Vehicle"), ("Truck", "Vehicle"))


def add_parents(*pairs: tuple[str, str]) -> None:
    """Parents as an older version stored them, without their ancestors."""
    for child, parent in pairs:
        create_label(child).parents.add(create_label(parent))


def ancestors() -> set[tuple[str, str]]:
    return set(LabelAncestor.objects.values_list("label__name", "ancestor__name"))


def search(owner, text: str) -> list[int]:
    return image_ids(parse(text), viewer=Viewer(owner.pk), limit=10)


@pytest.fixture
def vehicles(db):
    add_parents(*VEHICLES)
    refresh_all()


def analyze(image, *entries) -> None:
    create_analysis(image, state="done", answer=rekognition_responses.labels(*entries, properties=False))
    reindex([image.pk])


def test_label_added_by_a_person_is_found_by_its_ancestors(owner, vehicles):
    sedan, truck = create_image(owner), create_image(owner)
    verdicts.add(sedan.pk, name="sedan", by_id=owner.pk)
    verdicts.add(truck.pk, name="truck", by_id=owner.pk)
    assert label_rows(sedan) == {"Sedan": 100, "Car": 100, "Vehicle": 100}
    assert (search(owner, "vehicle"), search(owner, "car")) == ([truck.pk, sedan.pk], [sedan.pk])
    assert search(owner, "vehicle -car") == [truck.pk]
    assert search(owner, "vehicle>=90 sedan") == [sedan.pk]
    verdicts.clear(sedan.pk, label_id=create_label("Sedan").pk, by_id=sedan.owner_id)
    assert (label_rows(sedan), search(owner, "vehicle")) == ({}, [truck.pk])


def test_keyword_of_a_file_is_found_by_the_ancestors_of_the_label_with_its_name(owner, vehicles):
    image = create_image(owner)
    save_embedded_metadata(image, DescriptiveMetadata(keywords=("SEDAN", "Holiday")))
    reindex([image.pk])
    assert label_rows(image) == {"SEDAN": 100, "Holiday": 100, "Car": 100, "Vehicle": 100}
    assert search(owner, "vehicle") == search(owner, "tag:sedan") == [image.pk]


def test_response_without_its_parents_is_found_by_them(owner):
    image = create_image(owner)
    analyze(image, rekognition_responses.label("Sedan", 87.0, parents=("Car", "Vehicle")))
    assert label_rows(image) == {"Sedan": 87, "Car": 87, "Vehicle": 87}
    assert Label.objects.get(name="Vehicle").category == ""


def test_ancestor_has_the_highest_confidence_of_its_descendants(owner, vehicles):
    image = create_labeled_image(owner, {"Sedan": 80, "Truck": 91, "Vehicle": 60})
    assert label_rows(image) == {"Sedan": 80, "Car": 80, "Truck": 91, "Vehicle": 91}
    Label.objects.filter(name="Vehicle").update(threshold=85)
    Label.objects.filter(name="Car").update(threshold=85)
    reindex([image.pk])
    assert label_rows(image) == {"Sedan": 80, "Truck": 91, "Vehicle": 91}


def test_ancestor_returns_when_its_threshold_is_lowered(owner, vehicles):
    image = create_image(owner)
    analyze(image, rekognition_responses.label("Sedan", 80.0))
    vehicle = create_label("Vehicle")
    for threshold, vehicles_found in ((85, []), (75, [image.pk]), (85, []), (None, [image.pk])):
        vehicle.refresh_from_db()
        update = LabelUpdate(vehicle.revision, vehicle.category, vehicle.is_hidden, threshold, None)
        for label_id in label_settings.update_label(vehicle.pk, update, by_id=owner.pk):
            reindex_label(label_id)
        reindex_ancestors()
        assert search(owner, "vehicle") == vehicles_found
        assert search(owner, "sedan -vehicle") == ([] if vehicles_found else [image.pk])


def test_rejected_ancestor_stays_off_and_returns_with_the_undo(owner, vehicles):
    image = create_image(owner)
    verdicts.add(image.pk, name="Sedan", by_id=owner.pk)
    verdicts.reject(image.pk, label_id=create_label("Car").pk, by_id=owner.pk)
    reindex([image.pk])
    assert label_rows(image) == {"Sedan": 100, "Vehicle": 100}
    verdicts.clear(image.pk, label_id=create_label("Car").pk, by_id=image.owner_id)
    assert label_rows(image) == {"Sedan": 100, "Car": 100, "Vehicle": 100}


def test_added_ancestor_can_be_rejected_though_a_label_below_stays(owner, vehicles):
    image = create_image(owner)
    for name in ("Car", "Sedan"):
        verdicts.add(image.pk, name=name, by_id=owner.pk)
    verdicts.reject(image.pk, label_id=create_label("Car").pk, by_id=owner.pk)
    assert label_rows(image) == {"Sedan": 100, "Vehicle": 100}


@pytest.mark.parametrize("action", [BulkChange.Action.CONFIRM, BulkChange.Action.REJECT])
@pytest.mark.parametrize("name", ["Sedan", "Car", "Vehicle"])
def test_bulk_change_of_a_label_in_the_tree_matches_reindex_and_is_undone(owner, vehicles, name, action):
    images = [create_labeled_image(owner, {"Sedan": 80}), create_labeled_image(owner, {"Truck": 70})]
    verdicts.add(images[1].pk, name="Sedan", by_id=owner.pk)
    before = _index()
    change = bulk.apply(Selection(owner, ids=tuple(image.pk for image in images)), action, label=create_label(name))
    after = _index()
    assert after != before
    reindex([image.pk for image in images])
    assert _index() == after
    bulk.undo(change.pk, by=owner)
    assert _index() == before


def test_circle_of_parents_makes_each_an_ancestor_of_the_others_only(owner):
    circle = ("One", "Two", "Three", "Four")
    add_parents(*zip(circle, (*circle[1:], circle[0]), strict=True))
    refresh_all()
    assert ancestors() == {(name, other) for name in circle for other in circle if name != other}
    image = create_labeled_image(owner, {"Three": 70})
    assert label_rows(image) == dict.fromkeys(circle, 70.0)
    create_label("One").parents.add(create_label("One"))
    refresh_all()
    assert ("One", "One") not in ancestors()


def test_new_parent_reaches_pictures_indexed_before_in_steps(owner):
    images = [create_labeled_image(owner, {name: 90}) for name in ("Sedan", "Dog", "Sedan", "Truck")]
    save_embedded_metadata(images[1], DescriptiveMetadata(keywords=("sedan",)))
    reindex([images[1].pk])
    assert not is_pending()
    other = create_image(owner)
    analyze(other, rekognition_responses.label("Sedan", 87.0, parents=("Car",)))
    assert (is_pending(), search(owner, "car")) == (True, [other.pk])
    Label.objects.filter(ancestors_cursor=0).update(ancestors_cursor=images[0].pk - 1)
    assert not reindex_ancestors(size=1)
    assert search(owner, "car") == [other.pk, images[2].pk, images[1].pk, images[0].pk]
    assert not is_pending()


def test_interrupted_reindex_continues_at_its_cursor(owner):
    images = [create_labeled_image(owner, {"Sedan": 90}) for _ in range(3)]
    add_parents(("Sedan", "Car"))
    refresh_all()
    assert reindex_ancestors(size=images[0].pk, seconds=0.0)  # no time: nothing is done
    Label.objects.filter(name="Sedan").update(ancestors_cursor=images[1].pk)
    assert not reindex_ancestors(size=1)
    assert search(owner, "car") == [images[2].pk]


def test_periodic_tasks_find_parents_stored_by_an_older_version(owner, settings, django_capture_on_commit_callbacks):
    settings.CELERY_TASK_ALWAYS_EAGER = True
    image = create_labeled_image(owner, {"Sedan": 90})
    add_parents(("Sedan", "Car"))
    with django_capture_on_commit_callbacks(execute=True):
        tasks.refresh_label_counts()
        tasks.reindex_ancestors()
    assert label_rows(image) == {"Sedan": 90, "Car": 90}


def test_merged_label_passes_its_parents_and_children_on(owner, vehicles):
    image = create_labeled_image(owner, {"Sedan": 90})
    create_label("Automobile")
    with transaction.atomic():
        car = create_label("Car")
        update = LabelUpdate(car.revision, "", False, None, create_label("Automobile").pk)
        label_settings.update_label(car.pk, update, by_id=0)
    assert ancestors() == {
        ("Sedan", "Automobile"),
        ("Sedan", "Vehicle"),
        ("Automobile", "Vehicle"),
        ("Truck", "Vehicle"),
    }
    reindex([image.pk])
    assert label_rows(image) == {"Sedan": 90, "Automobile": 90, "Vehicle": 90}


def test_label_that_lost_a_parent_is_reindexed_completely(owner, vehicles):
    create_label("Car").parents.clear()
    refresh_all()
    assert list(Label.objects.exclude(reindex_cursor=None).order_by("name").values_list("name", flat=True)) == [
        "Car",
        "Sedan",
    ]
    before = ancestors()
    refresh_ancestors()
    assert ancestors() == before == {("Sedan", "Car"), ("Truck", "Vehicle")}


def _index() -> tuple[list, list]:
    rows = ImageLabel.objects.order_by("pk").values_list("image", "label", "confidence", "analysis")
    return list(rows), list(ImageIndex.objects.order_by("pk").values_list("pk", "label_ids"))
