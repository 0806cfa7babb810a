from __future__ import annotations

from collections import Counter

import pytest

from imagelib.simulator import OPERATIONS, responses, running
from imagelib.simulator.responses.label_catalog import CATALOG
from tests.recognition.aws_shapes import MODEL, complaints
from tests.simulator.requests import picture, raw, send_request

MOST = {
    "DetectLabels": {"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"], "MinConfidence": 0},
    "DetectFaces": {"Attributes": ["ALL"]},
    "RecognizeCelebrities": {},
    "DetectText": {},
    "DetectModerationLabels": {
        "MinConfidence": 0,
        "HumanLoopConfig": {"HumanLoopName": "loop", "FlowDefinitionArn": "arn:of-a-flow"},
    },
}
# Always null in AWS's answers, or only for adapters and for a human loop that was started.
NEVER = {
    "OrientationCorrection",
    "ProjectVersion",
    "ImageProperties.Foreground.Quality.Contrast",
    "ImageProperties.Background.Quality.Contrast",
    "HumanLoopActivationOutput.HumanLoopArn",
    "HumanLoopActivationOutput.HumanLoopActivationReasons",
}


@pytest.fixture(scope="module")
def said(_running):
    """Forty answers of each operation with everything switched on, as they come over the wire."""
    _running.reset(settings=True)
    return {
        operation: [
            raw(_running.address, operation, {"Image": send_request(picture(number)), **MOST[operation]})[2]
            for number in range(40)
        ]
        for operation in OPERATIONS
    }


@pytest.mark.parametrize("operation", OPERATIONS)
def test_answers_are_valid_by_the_service_model(said, operation):
    assert [complaint for answer in said[operation] for complaint in complaints(answer, operation)] == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_member_of_the_service_model_occurs(said, operation):
    occurring = {path for answer in said[operation] for path in members(answer)}
    assert set(members_of_shape(MODEL.operation_model(operation).output_shape)) - occurring - NEVER == set()


def members(value, path=""):
    if isinstance(value, list):
        for item in value:
            yield from members(item, path)
    elif isinstance(value, dict):
        for name, below in value.items():
            yield f"{path}.{name}".lstrip(".")
            yield from members(below, f"{path}.{name}".lstrip("."))


def members_of_shape(shape, path=""):
    if shape.type_name == "list":
        yield from members_of_shape(shape.member, path)
    elif shape.type_name == "structure":
        for name, below in shape.members.items():
            yield f"{path}.{name}".lstrip(".")
            yield from members_of_shape(below, f"{path}.{name}".lstrip("."))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_same_picture_has_the_same_answer_in_another_simulator_and_another_picture_another(said, operation):
    with running(version_suffix="-simulated", seed=7) as another:
        document = {"Image": send_request(picture(0)), **MOST[operation]}
        again = [raw(another.address, operation, document)[2] for _ in range(2)]
    assert again == [said[operation][0]] * 2
    assert len({str(answer) for answer in said[operation]}) > 5


def test_the_vocabulary_is_a_taxonomy():
    assert len(CATALOG) > 500
    for word in CATALOG.values():
        assert word.name not in word.parents
        assert all(set(CATALOG[parent].parents) < set(word.parents) for parent in word.parents)
    assert CATALOG["Dog"].parents == ("Animal", "Canine", "Mammal", "Pet")
    assert CATALOG["Car"].aliases == ("Automobile",)


def test_some_labels_are_frequent_and_most_are_rare(said):
    counts = Counter(
        label["Name"]
        for number in range(2000)
        for label in responses.answer("DetectLabels", number.to_bytes(8, "little") * 4, {}, version="3.0", suffix="")[
            "Labels"
        ]
    )
    ranked = [amount for _, amount in counts.most_common()]
    assert sum(ranked[: len(ranked) // 10]) > sum(ranked) * 0.4
    assert len(counts) > 400


@pytest.mark.parametrize("maximum", [1000, 7, 1])
def test_ancestors_come_with_their_labels_however_many_are_asked_for(simulator, client, maximum):
    for number in range(20):
        labels = client.detect_labels(Image={"Bytes": picture(number)}, MaxLabels=maximum)["Labels"]
        names = [label["Name"] for label in labels]
        assert len(names) == len(set(names)) <= maximum
        for place, label in enumerate(labels):
            assert {parent["Name"] for parent in label["Parents"]} <= set(names[:place])
            assert label["Confidence"] >= 55
            assert label["Categories"] == [{"Name": CATALOG[label["Name"]].category}]


def test_confidence_is_at_least_what_was_asked_for(simulator, client):
    counts = []
    for minimum in (0, 55, 90, 100):
        labels = [
            one
            for n in range(20)
            for one in client.detect_labels(Image={"Bytes": picture(n)}, MinConfidence=minimum)["Labels"]
        ]
        assert all(label["Confidence"] >= minimum for label in labels)
        counts.append(len(labels))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[2] > 0


def test_features_are_answered_as_asked(simulator, client):
    def ask(*features):
        return client.detect_labels(Image={"Bytes": picture()}, Features=list(features))

    plain, both, properties = ask(), ask("GENERAL_LABELS", "IMAGE_PROPERTIES"), ask("IMAGE_PROPERTIES")

    assert "ImageProperties" not in plain
    assert plain["Labels"] == ask("GENERAL_LABELS")["Labels"] != []
    assert properties["Labels"] == []
    assert properties["ImageProperties"] == both["ImageProperties"]
    assert {"Quality", "DominantColors", "Foreground", "Background"} == set(both["ImageProperties"])
    assert [label["Name"] for label in both["Labels"]] == [label["Name"] for label in plain["Labels"]]


@pytest.mark.parametrize("maximum", [0, 1, 20])
def test_dominant_colors_are_at_most_as_many_as_asked_for(simulator, client, maximum):
    settings = {"ImageProperties": {"MaxDominantColors": maximum}}
    answer = client.detect_labels(Image={"Bytes": picture()}, Features=["IMAGE_PROPERTIES"], Settings=settings)
    colors = answer["ImageProperties"]["DominantColors"]
    assert (maximum > 0) <= len(colors) <= maximum
    assert sum(color["PixelPercent"] for color in colors) <= 100
    assert all(color["HexCode"] == f"#{color['Red']:02x}{color['Green']:02x}{color['Blue']:02x}" for color in colors)


def test_labels_and_categories_are_included_and_excluded(simulator, client):
    def ask(**filters):
        labels = client.detect_labels(Image={"Bytes": picture(3)}, Settings={"GeneralLabels": filters})["Labels"]
        return [(label["Name"], label["Categories"][0]["Name"]) for label in labels]

    everything = ask()
    name, category = everything[-1]
    others = [label for label in everything if label[1] != category]
    assert others

    assert ask(LabelInclusionFilters=[name]) == [(name, category)]
    assert ask(LabelExclusionFilters=[name]) == everything[:-1]
    assert ask(LabelCategoryInclusionFilters=[category]) == [label for label in everything if label[1] == category]
    assert ask(LabelCategoryExclusionFilters=[category]) == others
    either = ask(LabelInclusionFilters=[others[0][0]], LabelCategoryInclusionFilters=[category])
    assert either == [label for label in everything if label[1] == category or label == others[0]]
    assert ask(LabelInclusionFilters=[name], LabelExclusionFilters=[name]) == []
    assert ask(LabelInclusionFilters=[], LabelExclusionFilters=[]) == everything


def test_attributes_of_faces_are_those_asked_for(simulator, client):
    number = next(n for n in range(99) if client.detect_faces(Image={"Bytes": picture(n)})["FaceDetails"])

    def ask(*attributes):
        face = client.detect_faces(Image={"Bytes": picture(number)}, Attributes=list(attributes))["FaceDetails"][0]
        return {*face, len(face["Landmarks"])}

    always = {"BoundingBox", "Landmarks", "Pose", "Quality", "Confidence"}
    assert ask() == ask("DEFAULT") == {*always, 5}
    assert ask("AGE_RANGE", "EMOTIONS") == {*always, "AgeRange", "Emotions", 5}
    everything = set(MODEL.shape_for("FaceDetail").members)
    assert ask("ALL") == ask("ALL", "DEFAULT") == {*everything, 30}


def test_faces_are_the_same_to_faces_and_celebrities_and_labels(said):
    for labels, faces, people in zip(
        said["DetectLabels"], said["DetectFaces"], said["RecognizeCelebrities"], strict=True
    ):
        compared = [*(person["Face"] for person in people["CelebrityFaces"]), *people["UnrecognizedFaces"]]
        boxes = sorted(str(face["BoundingBox"]) for face in compared)
        assert boxes == sorted(str(face["BoundingBox"]) for face in faces["FaceDetails"])
        assert not boxes or "Person" in {label["Name"] for label in labels["Labels"]}


def test_celebrities_are_clearly_nobody(said):
    names = {person["Name"] for answer in said["RecognizeCelebrities"] for person in answer["CelebrityFaces"]}
    assert len(names) > 3
    assert all(name.startswith("Simulated Person ") for name in names)


def test_words_belong_to_lines(said):
    lines = 0
    for answer in said["DetectText"]:
        detections = answer["TextDetections"]
        assert [detection["Id"] for detection in detections] == list(range(len(detections)))
        for line in (detection for detection in detections if detection["Type"] == "LINE"):
            words = [word["DetectedText"] for word in detections if word.get("ParentId") == line["Id"]]
            assert line["DetectedText"] == " ".join(words) != ""
            lines += 1
    assert lines > 10


def test_text_is_filtered_by_word_and_region(simulator, client):
    number = next(n for n in range(99) if len(client.detect_text(Image={"Bytes": picture(n)})["TextDetections"]) > 6)

    def words(**filters):
        found = client.detect_text(Image={"Bytes": picture(number)}, Filters=filters)["TextDetections"]
        return [one for one in found if one["Type"] == "WORD"]

    everything = words()
    sides = [word["Geometry"]["BoundingBox"] for word in everything]
    for name, values in {
        "MinConfidence": [word["Confidence"] for word in everything],
        "MinBoundingBoxWidth": [side["Width"] for side in sides],
        "MinBoundingBoxHeight": [side["Height"] for side in sides],
    }.items():
        assert 0 < len(words(WordFilter={name: max(values)})) < len(everything)
    assert words(WordFilter={"MinConfidence": 0}) == everything

    first = sides[0]
    corners = [(0, 0), (1, 0), (1, first["Top"] + first["Height"]), (0, first["Top"] + first["Height"])]
    polygon = [{"X": x, "Y": y} for x, y in corners]
    assert 0 < len(words(RegionsOfInterest=[{"BoundingBox": first}])) < len(everything)
    assert 0 < len(words(RegionsOfInterest=[{"Polygon": polygon}])) < len(everything)
    assert words(RegionsOfInterest=[{}]) == []


def test_moderation_labels_come_with_what_is_above_them(said):
    levels = Counter()
    for answer in said["DetectModerationLabels"]:
        names = {label["Name"]: label["TaxonomyLevel"] for label in answer["ModerationLabels"]}
        for label in answer["ModerationLabels"]:
            levels[label["TaxonomyLevel"]] += 1
            if label["ParentName"]:
                assert names[label["ParentName"]] == label["TaxonomyLevel"] - 1
            else:
                assert label["TaxonomyLevel"] == 1
    assert set(levels) == {1, 2, 3}


def test_moderation_is_at_least_fifty_percent_unless_told_otherwise(simulator, client, said):
    number, sure = next(
        (number, label["Confidence"])
        for number, answer in enumerate(said["DetectModerationLabels"])
        for label in answer["ModerationLabels"]
        if label["Confidence"] > 50
    )
    ask = client.detect_moderation_labels
    assert ask(Image={"Bytes": picture(number)})["ModerationLabels"] != []
    assert ask(Image={"Bytes": picture(number)}, MinConfidence=min(100, sure + 0.1))["ModerationLabels"] == []


def test_each_operation_with_a_model_says_a_version_that_is_no_real_one(said):
    assert {
        (operation, answer.get(field))
        for operation, field in responses.VERSION_FIELDS.items()
        for answer in said[operation]
    } == {
        ("DetectLabels", "3.0-simulated"),
        ("DetectText", "3.0-simulated"),
        ("DetectModerationLabels", "7.0-simulated"),
    }
