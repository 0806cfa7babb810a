from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.pictures import jpeg, png, webp
from tests.simulator.requests import jpeg_header, picture, png_header, raw

IMAGE = {"Bytes": picture()}
INVALID = "InvalidParameterException"


# A header behind 120 kB of metadata, as editors write them.
LATE_HEADER = b"\xff\xd8" + (b"\xff\xe2\xea\x62" + bytes(60_000)) * 2 + jpeg_header(90, 90)[2:]


def labels(client, **parameters):
    return client.detect_labels(**{"Image": IMAGE, **parameters})


def general(**filters):
    return {"Settings": {"GeneralLabels": filters}}


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"MinConfidence": 100.1}, "minConfidence"),
        ({"MinConfidence": -0.1}, "minConfidence"),
        ({"MaxLabels": -1}, "maxLabels"),
        ({"MaxLabels": 1001}, "maxLabels"),
        ({"Features": ["NOPE"]}, "features.1.member"),
        ({"Features": ["GENERAL_LABELS"] * 3}, "features"),
        (general(LabelInclusionFilters=["Dog"] * 101), "settings.generalLabels.labelInclusionFilters"),
        (general(LabelExclusionFilters=["D" * 51]), "settings.generalLabels.labelExclusionFilters.1.member"),
        (
            general(LabelCategoryInclusionFilters=["ok", "no & no"]),
            "settings.generalLabels.labelCategoryInclusionFilters.2.member",
        ),
        (general(LabelCategoryExclusionFilters=["!"]), "settings.generalLabels.labelCategoryExclusionFilters.1.member"),
        ({"Settings": {"ImageProperties": {"MaxDominantColors": 21}}}, "settings.imageProperties.maxDominantColors"),
        ({"Image": {"S3Object": {"Bucket": "ab", "Name": "x"}}}, "image.s3Object.bucket"),
        ({"Image": {"S3Object": {"Bucket": "a/b", "Name": "x"}}}, "image.s3Object.bucket"),
        ({"Image": {"S3Object": {"Bucket": "abc", "Name": "x" * 1025}}}, "image.s3Object.name"),
        ({"Image": {"Bytes": b""}}, "image.bytes"),
    ],
)
def test_invalid_parameter_is_named_by_path(simulator, client, parameters, path):
    with pytest.raises(client.exceptions.InvalidParameterException) as refused:
        labels(client, **parameters)

    assert "1 validation error detected: Value '" in str(refused.value)
    assert f"at '{path}' failed to satisfy constraint: Member must " in str(refused.value)


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("detect_faces", {"Attributes": ["EARS"]}),
        ("detect_text", {"Filters": {"WordFilter": {"MinConfidence": 101}}}),
        ("detect_text", {"Filters": {"WordFilter": {"MinBoundingBoxHeight": 1.1}}}),
        ("detect_text", {"Filters": {"RegionsOfInterest": [{}] * 11}}),
        ("detect_moderation_labels", {"MinConfidence": 101}),
        ("detect_moderation_labels", {"ProjectVersion": "arn:of-nothing-at-all"}),
        ("detect_moderation_labels", {"HumanLoopConfig": {"HumanLoopName": "loop"}}),
    ],
)
def test_limits_of_other_operations(simulator, client, method, parameters):
    with pytest.raises(client.exceptions.InvalidParameterException):
        getattr(client, method)(Image=IMAGE, **parameters)


def test_image_is_required(simulator):
    content = raw(simulator.address, "DetectText", {"Image": None})[2]
    assert content["Message"] == (
        "1 validation error detected: Value 'null' at 'image' failed to satisfy constraint: Member must not be null"
    )


def test_limit_values_are_accepted(simulator, client):
    filters = general(LabelInclusionFilters=["D" * 50] * 100)["Settings"]
    labels(client, MinConfidence=100, MaxLabels=1000, Settings=filters, Features=[])
    labels(client, MinConfidence=0.0, MaxLabels=0)


def test_all_violations_are_reported_together(simulator, client):
    with pytest.raises(ClientError, match=r"2 validation errors detected: .* at 'maxLabels' .*; .* at 'minConfidence'"):
        labels(client, MinConfidence=150, MaxLabels=-1)


def test_error_code_of_violations_can_be_set(simulator, client):
    simulator.set(constraint_code="ValidationException")
    assert code_of(labels, client, MaxLabels=-1) == "ValidationException"


def test_adapter_is_not_found(simulator, client):
    arn = "arn:aws:rekognition:eu-west-1:123456789012:project/one/version/two/1700000000000"
    assert code_of(client.detect_moderation_labels, Image=IMAGE, ProjectVersion=arn) == "ResourceNotFoundException"


@pytest.mark.parametrize("image", [{}, {"Bytes": picture(), "S3Object": {"Bucket": "abc", "Name": "x"}}])
def test_exactly_one_image_source_is_required(simulator, client, image):
    assert code_of(labels, client, Image=image) == INVALID


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (jpeg(80, 80), ""),
        (jpeg(79, 200), INVALID),
        (jpeg(200, 79), INVALID),
        (png(80, 80), ""),
        (png(79, 80), INVALID),
        (jpeg_header(10_000, 10_000), ""),
        (jpeg_header(10_001, 100), "ImageTooLargeException"),
        (png_header(100, 10_001), "ImageTooLargeException"),
        (LATE_HEADER, ""),
        (webp(), "InvalidImageFormatException"),
        (b"\xff\xd8\xff", "InvalidImageFormatException"),
        (jpeg_header(90, 90)[:-8], "InvalidImageFormatException"),
        (b"\xff\xd8\xff\xd9", "InvalidImageFormatException"),
        (b"\xff\xd8\xff\xe0\x00\x04ab and then no marker", "InvalidImageFormatException"),
        (b"\x89PNG\r\n\x1a\n", "InvalidImageFormatException"),
        (picture() + bytes(5 * 1024 * 1024 - len(picture())), ""),
        (picture() + bytes(5 * 1024 * 1024 + 1 - len(picture())), "ImageTooLargeException"),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else value or "fine",
)
def test_pictures_are_checked_by_size_and_header(simulator, client, content, code, decode):
    simulator.set(decode=decode)
    assert code_of(labels, client, Image={"Bytes": content}) == code


def test_longest_side_is_limited_for_labels_and_moderation_only(simulator, client):
    wide = {"Bytes": jpeg_header(10_001, 100)}
    assert code_of(client.detect_moderation_labels, Image=wide) == "ImageTooLargeException"
    assert code_of(client.detect_faces, Image=wide) == ""


def test_rejected_requests_are_not_paid(simulator, client):
    code_of(labels, client, MaxLabels=-1)
    code_of(labels, client, Image={"Bytes": webp()})

    statistics = simulator.statistics()
    assert (statistics["requests"], statistics["paid"], statistics["in_flight"]) == (2, 0, 0)
    assert statistics["outcomes"] == {INVALID: 1, "InvalidImageFormatException": 1}


def code_of(call, *arguments, **parameters) -> str:
    """Error code, or an empty string."""
    try:
        call(*arguments, **parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""
