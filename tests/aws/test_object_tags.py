"""Tags of S3 objects."""

from __future__ import annotations

import pytest

from analysis.aws import object_tags
from analysis.aws.object_refs import S3Object
from tests.aws.test_sqs_messages import stubbed


@pytest.mark.parametrize("version", [None, "v1"])
def test_tags_are_those_of_the_version(version):
    target = {"Bucket": "pictures", "Key": "dog.jpg"} | ({"VersionId": version} if version else {})
    tag_set = [{"Key": "imagelib:Dog", "Value": "label"}]
    stub = stubbed("s3")
    with stub:
        stub.add_response("get_object_tagging", {"TagSet": tag_set}, target)
        stub.add_response("put_object_tagging", {}, {**target, "Tagging": {"TagSet": tag_set}})
        s3_object = S3Object("pictures", "dog.jpg", version)
        assert object_tags.get_tags(stub.client, s3_object) == {"imagelib:Dog": "label"}
        object_tags.put_tags(stub.client, s3_object, {"imagelib:Dog": "label"})


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Golden Retriever", "Golden Retriever"),
        ("Rock 'n' Roll", "Rock -n- Roll"),
        ("Hund & Häuser", "Hund - Häuser"),
        ("a\n b\t c", "a b c"),
        ("+-=._:/@", "+-=._:/@"),
        ('=HYPERLINK("x")', "=HYPERLINK--x--"),
        ("猫", "猫"),
    ],
)
def test_tags_have_only_legal_characters(text, tag):
    assert object_tags.clean_tag(text) == tag
