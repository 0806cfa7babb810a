import pytest
from django.core.management import CommandError, call_command

from analysis.models import Analysis, ModelVersion
from analysis.recognition import comparison
from analysis.recognition.comparison import LabelChange
from tests.factories import create_analysis, create_image, create_labeled_image, label_rows, labels_answer

pytestmark = pytest.mark.django_db


def test_difference_of_label_responses():
    before = labels_answer(Dog=98, Van=80, Grass=60, Sky=70)
    after = labels_answer(Dog=98.5, Truck=91, Grass=72, Bench=55)
    assert comparison.difference("labels", before, after) == [
        LabelChange("label", "Truck", None, 91),
        LabelChange("label", "Bench", None, 55),
        LabelChange("label", "Van", 80, None),
        LabelChange("label", "Sky", 70, None),
        LabelChange("label", "Grass", 60, 72),
    ]
    assert comparison.difference("labels", before, before) == []


def test_difference_of_text_responses_compares_lines():
    def reading(*lines):
        return {"TextDetections": [{"DetectedText": line, "Type": "LINE", "Confidence": 90} for line in lines]}

    assert comparison.difference("text", reading("STOP", "one way"), reading("STOP", "exit")) == [
        LabelChange("text", "exit", None, 90),
        LabelChange("text", "one way", 90, None),
    ]


@pytest.fixture
def two_versions(owner):
    for number in range(3):
        image = create_image(owner)
        create_analysis(image, state="done", is_current=False, answer=labels_answer(Van=90, Dog=90))
        new = labels_answer(Truck=90, Dog=90) if number else labels_answer(Van=90, Dog=90)
        create_analysis(image, state="done", model_version="3.1", answer=new)
    create_analysis(
        create_image(owner), state="done", model_version="3.1", answer=labels_answer(Cat=90)
    )  # only one version
    for version in ("3.0", "3.1"):
        ModelVersion.objects.create(recognizer="local", api="labels", version=version)


def test_compare_versions_counts_images_per_label(two_versions):
    result = comparison.compare_versions("labels", recognizer="local", before="3.0", after="3.1")
    assert (result.pictures, dict(result.gained), dict(result.lost)) == (
        3,
        {("label", "Truck"): 2},
        {("label", "Van"): 2},
    )


def test_command_lists_gained_and_lost_labels(two_versions, capsys):
    call_command("compare_models")
    assert capsys.readouterr().out.splitlines() == [
        "3.0 → 3.1: 3 pictures analyzed by both",
        "+2 Truck",
        "−2 Van",
    ]
    call_command("compare_models", "3.1", "3.0", as_json=True)
    assert capsys.readouterr().out == (
        '{"before": "3.1", "after": "3.0", "pictures": 3, "gained": {"Van": 2}, "lost": {"Truck": 2}}\n'
    )


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        (["3.0", "4.0"], "There are no results from version 4.0. Versions of local with results for labels: 3.1, 3.0."),
        (["3.0"], "Two versions are needed to compare. Versions of local with results for labels: 3.1, 3.0."),
    ],
)
def test_command_rejects_unknown_versions(two_versions, versions, message):
    with pytest.raises(CommandError) as caught:
        call_command("compare_models", *versions)
    assert str(caught.value) == message


def test_pinned_older_result_stays_current_until_unpinned(owner):
    image = create_labeled_image(owner, {"Dog": 98})
    older = Analysis.objects.get()
    Analysis.objects.update(is_current=False)
    newer = create_analysis(image, state="done", answer=labels_answer(Cat=90))
    comparison.pin(older, by_id=image.owner_id)
    assert label_rows(image) == {"Dog": 98}
    newer.refresh_from_db()
    assert not newer.is_current
    comparison.unpin(older, by_id=image.owner_id)
    assert label_rows(image) == {"Cat": 90}
