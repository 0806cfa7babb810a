from __future__ import annotations

from collections import Counter

import pytest

from imagelib.simulator import OPERATIONS, run_simulator
from imagelib.simulator.responses import VERSION_FIELDS, respond
from imagelib.simulator.responses.label_catalog import CATALOG
from tests.recognition.aws_shapes import MODEL, complaints
from tests.simulator.requests import picture, raw, send_request

PARAMETERS = {
    "DetectLabels": {"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"], "MinConfidence": 0},
    "DetectFaces": {"Attributes": ["ALL"]},
    "RecognizeCelebrities": {},
    "DetectText": {},
    "DetectModerationLabels": {
        "MinConfidence": 0,
        "HumanLoopConfig": {"HumanLoopName": "loop", "FlowDefinitionArn": "arn:of-a-flow"},
    },
}
# Always null in AWS's responses, or only returned for adapters and started human loops.
NEVER_RETURNED = {
    "OrientationCorrection",
    "ProjectVersion",
    "ImageProperties.Foreground.Quality.Contrast",
    "ImageProperties.Background.Quality.Contrast",
    "HumanLoopActivationOutput.HumanLoopArn",
    "HumanLoopActivationOutput.HumanLoopActivationReasons",
}


@pytest.fixture(scope="module")
def responses(module_simulator):
    """Forty responses of each operation with all features requested."""
    module_simulator.reset(settings=True)
    return {
        operation: [
            raw(module_simulator.address, operation, {"Image": send_request(picture(number)), **PARAMETERS[operation]})[
                2
            ]
            for number in range(40)
        ]
        for operation in OPERATIONS
    }


@pytest.mark.parametrize("operation", OPERATIONS)
def test_responses_match_the_service_model(responses, operation):
    assert [complaint for response in responses[operation] for complaint in complaints(response, operation)] == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_all_members_of_the_service_model_occur(responses, operation):
    occurring = {path for response in responses[operation] for path in members(response)}
    assert set(members_of_shape(MODEL.operation_model(operation).output_shape)) - occurring - NEVER_RETURNED == set()


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
def test_response_depends_on_the_picture_alone(responses, operation):
    with run_simulator(version_suffix="-simulated", seed=7) as other_simulator:
        document = {"Image": send_request(picture(0)), **PARAMETERS[operation]}
        repeated = [raw(other_simulator.address, operation, document)[2] for _ in range(2)]
    assert repeated == [responses[operation][0]] * 2
    assert len({str(response) for response in responses[operation]}) > 5


def test_catalog_is_a_taxonomy():
    assert len(CATALOG) > 500
    for label in CATALOG.values():
        assert label.name not in label.parents
        assert all(set(CATALOG[parent].parents) < set(label.parents) for parent in label.parents)
    assert CATALOG["Dog"].parents == ("Animal", "Canine", "Mammal", "Pet")
    assert CATALOG["Car"].aliases == ("Automobile",)


def test_some_labels_are_frequent_and_most_are_rare(responses):
    counts = Counter(
        label["Name"]
        for number in range(2000)
        for label in respond("DetectLabels", number.to_bytes(8, "little") * 4, {}, version="3.0", suffix="")["Labels"]
    )
    ranked = [amount for _, amount in counts.most_common()]
    assert sum(ranked[: len(ranked) // 10]) > sum(ranked) * 0.4
    assert len(counts) > 400


@pytest.mark.parametrize("maximum", [1000, 7, 1])
def test_max_labels_keeps_ancestors_before_labels(simulator, client, maximum):
    for number in range(20):
        labels = client.detect_labels(Image={"Bytes": picture(number)}, MaxLabels=maximum)["Labels"]
        names = [label["Name"] for label in labels]
        assert len(names) == len(set(names)) <= maximum
        for index, label in enumerate(labels):
            assert {parent["Name"] for parent in label["Parents"]} <= set(names[:index])
            assert label["Confidence"] >= 55
            assert label["Categories"] == [{"Name": CATALOG[label["Name"]].category}]


def test_min_confidence_is_respected(simulator, client):
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


def test_features_select_labels_and_properties(simulator, client):
    def detect(*features):
        return client.detect_labels(Image={"Bytes": picture()}, Features=list(features))

    default, both, properties = detect(), detect("GENERAL_LABELS", "IMAGE_PROPERTIES"), detect("IMAGE_PROPERTIES")

    assert "ImageProperties" not in default
    assert default["Labels"] == detect("GENERAL_LABELS")["Labels"] != []
    assert properties["Labels"] == []
    assert properties["ImageProperties"] == both["ImageProperties"]
    assert {"Quality", "DominantColors", "Foreground", "Background"} == set(both["ImageProperties"])
    assert [label["Name"] for label in both["Labels"]] == [label["Name"] for label in default["Labels"]]


@pytest.mark.parametrize("maximum", [0, 1, 20])
def test_max_dominant_colors_is_respected(simulator, client, maximum):
    settings = {"ImageProperties": {"MaxDominantColors": maximum}}
    response = client.detect_labels(Image={"Bytes": picture()}, Features=["IMAGE_PROPERTIES"], Settings=settings)
    colors = response["ImageProperties"]["DominantColors"]
    assert (maximum > 0) <= len(colors) <= maximum
    assert sum(color["PixelPercent"] for color in colors) <= 100
    assert all(color["HexCode"] == f"#{color['Red']:02x}{color['Green']:02x}{color['Blue']:02x}" for color in colors)


def test_inclusion_and_exclusion_filters(simulator, client):
    def detect(**filters):
        labels = client.detect_labels(Image={"Bytes": picture(3)}, Settings={"GeneralLabels": filters})["Labels"]
        return [(label["Name"], label["Categories"][0]["Name"]) for label in labels]

    all_labels = detect()
    name, category = all_labels[-1]
    others = [label for label in all_labels if label[1] != category]
    assert others

    assert detect(LabelInclusionFilters=[name]) == [(name, category)]
    assert detect(LabelExclusionFilters=[name]) == all_labels[:-1]
    assert detect(LabelCategoryInclusionFilters=[category]) == [label for label in all_labels if label[1] == category]
    assert detect(LabelCategoryExclusionFilters=[category]) == others
    by_either = detect(LabelInclusionFilters=[others[0][0]], LabelCategoryInclusionFilters=[category])
    assert by_either == [label for label in all_labels if label[1] == category or label == others[0]]
    assert detect(LabelInclusionFilters=[name], LabelExclusionFilters=[name]) == []
    assert detect(LabelInclusionFilters=[], LabelExclusionFilters=[]) == all_labels


def test_attributes_select_members_of_faces(simulator, client):
    number = next(n for n in range(99) if client.detect_faces(Image={"Bytes": picture(n)})["FaceDetails"])

    def detect(*attributes):
        face = client.detect_faces(Image={"Bytes": picture(number)}, Attributes=list(attributes))["FaceDetails"][0]
        return {*face, len(face["Landmarks"])}

    always = {"BoundingBox", "Landmarks", "Pose", "Quality", "Confidence"}
    assert detect() == detect("DEFAULT") == {*always, 5}
    assert detect("AGE_RANGE", "EMOTIONS") == {*always, "AgeRange", "Emotions", 5}
    all_members = set(MODEL.shape_for("FaceDetail").members)
    assert detect("ALL") == detect("ALL", "DEFAULT") == {*all_members, 30}


def test_faces_agree_between_operations(responses):
    for labels, faces, people in zip(
        responses["DetectLabels"], responses["DetectFaces"], responses["RecognizeCelebrities"], strict=True
    ):
        face_details = [*(person["Face"] for person in people["CelebrityFaces"]), *people["UnrecognizedFaces"]]
        boxes = sorted(str(face["BoundingBox"]) for face in face_details)
        assert boxes == sorted(str(face["BoundingBox"]) for face in faces["FaceDetails"])
        assert not boxes or "Person" in {label["Name"] for label in labels["Labels"]}


def test_celebrity_names_are_marked_as_simulated(responses):
    names = {person["Name"] for response in responses["RecognizeCelebrities"] for person in response["CelebrityFaces"]}
    assert len(names) > 3
    assert all(name.startswith("Simulated Person ") for name in names)


def test_words_refer_to_their_lines(responses):
    lines = 0
    for response in responses["DetectText"]:
        detections = response["TextDetections"]
        assert [detection["Id"] for detection in detections] == list(range(len(detections)))
        for line in (detection for detection in detections if detection["Type"] == "LINE"):
            words = [label["DetectedText"] for label in detections if label.get("ParentId") == line["Id"]]
            assert line["DetectedText"] == " ".join(words) != ""
            lines += 1
    assert lines > 10


def test_text_filters_by_word_and_region(simulator, client):
    number = next(n for n in range(99) if len(client.detect_text(Image={"Bytes": picture(n)})["TextDetections"]) > 6)

    def words(**filters):
        detections = client.detect_text(Image={"Bytes": picture(number)}, Filters=filters)["TextDetections"]
        return [one for one in detections if one["Type"] == "WORD"]

    all_words = words()
    sides = [word["Geometry"]["BoundingBox"] for word in all_words]
    for name, values in {
        "MinConfidence": [word["Confidence"] for word in all_words],
        "MinBoundingBoxWidth": [side["Width"] for side in sides],
        "MinBoundingBoxHeight": [side["Height"] for side in sides],
    }.items():
        assert 0 < len(words(WordFilter={name: max(values)})) < len(all_words)
    assert words(WordFilter={"MinConfidence": 0}) == all_words

    first = sides[0]
    corners = [(0, 0), (1, 0), (1, first["Top"] + first["Height"]), (0, first["Top"] + first["Height"])]
    polygon = [{"X": x, "Y": y} for x, y in corners]
    assert 0 < len(words(RegionsOfInterest=[{"BoundingBox": first}])) < len(all_words)
    assert 0 < len(words(RegionsOfInterest=[{"Polygon": polygon}])) < len(all_words)
    assert words(RegionsOfInterest=[{}]) == []


def test_moderation_labels_include_their_ancestors(responses):
    levels = Counter()
    for response in responses["DetectModerationLabels"]:
        names = {label["Name"]: label["TaxonomyLevel"] for label in response["ModerationLabels"]}
        for label in response["ModerationLabels"]:
            levels[label["TaxonomyLevel"]] += 1
            if label["ParentName"]:
                assert names[label["ParentName"]] == label["TaxonomyLevel"] - 1
            else:
                assert label["TaxonomyLevel"] == 1
    assert set(levels) == {1, 2, 3}


def test_moderation_default_min_confidence_is_50_percent(simulator, client, responses):
    number, confidence = next(
        (number, label["Confidence"])
        for number, response in enumerate(responses["DetectModerationLabels"])
        for label in response["ModerationLabels"]
        if label["Confidence"] > 50
    )
    detect = client.detect_moderation_labels
    assert detect(Image={"Bytes": picture(number)})["ModerationLabels"] != []
    assert detect(Image={"Bytes": picture(number)}, MinConfidence=min(100, confidence + 0.1))["ModerationLabels"] == []


def test_model_versions_are_marked_as_simulated(responses):
    assert {
        (operation, response.get(field))
        for operation, field in VERSION_FIELDS.items()
        for response in responses[operation]
    } == {
        ("DetectLabels", "3.0-simulated"),
        ("DetectText", "3.0-simulated"),
        ("DetectModerationLabels", "7.0-simulated"),
    }
