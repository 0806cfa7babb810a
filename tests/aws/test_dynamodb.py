"""Items of DynamoDB: types, condition, size."""

from __future__ import annotations

import pytest

from analysis.aws import dynamodb
from analysis.aws.errors import AWSError
from tests.aws.test_sqs_messages import stubbed

ITEM = {"ImageID": "7", "sequence": 5, "labels": [{"Confidence": 98.5, "Smile": None, "Big": True}]}
REQUEST = {
    "TableName": "pictures",
    "Item": {
        "ImageID": {"S": "7"},
        "sequence": {"N": "5"},
        "labels": {"L": [{"M": {"Confidence": {"N": "98.5"}, "Smile": {"NULL": True}, "Big": {"BOOL": True}}}]},
    },
    "ConditionExpression": "attribute_not_exists(#sequence) OR #sequence <= :sequence",
    "ExpressionAttributeNames": {"#sequence": "sequence"},
    "ExpressionAttributeValues": {":sequence": {"N": "5"}},
}


def test_numbers_are_decimals_and_an_older_item_is_the_condition():
    stub = stubbed("dynamodb")
    with stub:
        stub.add_response("put_item", {}, REQUEST)
        stub.add_client_error("put_item", "ConditionalCheckFailedException", "The conditional request failed")
        assert dynamodb.put_item(stub.client, "pictures", ITEM, sequence="sequence")
        assert not dynamodb.put_item(stub.client, "pictures", ITEM, sequence="sequence")


@pytest.mark.parametrize(
    ("code", "attribute"),
    [
        ("AccessDeniedException", "is_denied"),
        ("ResourceNotFoundException", "is_absent"),
        ("ProvisionedThroughputExceededException", "is_slow_down"),
    ],
)
def test_errors_by_kind(code, attribute):
    stub = stubbed("dynamodb")
    stub.add_client_error("put_item", code, "")
    with stub, pytest.raises(AWSError) as raised:
        dynamodb.put_item(stub.client, "pictures", ITEM, sequence="sequence")
    kinds = {name: getattr(raised.value, name) for name in ("is_denied", "is_absent", "is_slow_down")}
    assert kinds == {**dict.fromkeys(kinds, False), attribute: True}


@pytest.mark.parametrize(
    ("value", "size"), [("Dög", 4), (None, 1), (True, 1), (98.5, 4), ([], 3), (["a"], 5), ({"ab": "c"}, 7)]
)
def test_size_follows_the_rules_of_dynamodb(value, size):
    assert dynamodb.item_size(value) == size
