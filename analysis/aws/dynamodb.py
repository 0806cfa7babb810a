"""Writes items to DynamoDB tables."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from analysis.aws import clients
from analysis.aws.errors import AWSError

ACTION = "dynamodb:PutItem"
ITEM_BYTES = 400 * 1024
"""Maximum size of an item (DynamoDB, "Quotas")."""
CONDITION_FAILED = "ConditionalCheckFailedException"
_serializer = TypeSerializer()


def put_item(client: Any, table: str, item: Mapping[str, Any], *, sequence: str) -> bool:
    """Write an item; returns False if the table has a newer one.

    The newer one has the higher number in the attribute `sequence`. Raises AWSError.
    """
    return _put(
        client,
        table,
        item,
        # Not only a lower sequence: another attempt of the same message has the same one, and must succeed.
        ConditionExpression="attribute_not_exists(#sequence) OR #sequence <= :sequence",
        ExpressionAttributeNames={"#sequence": sequence},
        ExpressionAttributeValues={":sequence": _serializer.serialize(_value(item[sequence]))},
    )


def check_item(client: Any, table: str, item: Mapping[str, Any], *, key: str) -> None:
    """Test a write by a condition that is never true.

    Raises AWSError if table, key or permission is wrong.
    """
    # By a placeholder, since the name of the key may be a reserved word of DynamoDB, such as "name".
    condition = "attribute_exists(#key) AND attribute_not_exists(#key)"
    _put(client, table, item, ConditionExpression=condition, ExpressionAttributeNames={"#key": key})


def item_size(value: Any) -> int:
    """Bytes of a value by DynamoDB's rules (DynamoDB, "Item sizes and formats")."""
    if isinstance(value, Mapping):
        return 3 + sum(1 + len(name.encode()) + item_size(inner) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return 3 + sum(1 + item_size(inner) for inner in value)
    # Before numbers, since bool is a subclass of int.
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, str):
        return len(value.encode())
    # One byte for two digits and one more, rounded up. The sign and the decimal point are counted as digits.
    return len(str(value)) // 2 + 2


def _put(client: Any, table: str, item: Mapping[str, Any], **condition: Any) -> bool:
    values = {name: _serializer.serialize(_value(value)) for name, value in item.items()}
    try:
        with clients.translate_errors():
            client.put_item(TableName=table, Item=values, **condition)
    except AWSError as error:
        if error.code != CONDITION_FAILED:
            raise
        return False
    return True


def _value(value: Any) -> Any:
    """The value with decimals for floats, which boto3 rejects as inexact."""
    if isinstance(value, Mapping):
        return {name: _value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value(inner) for inner in value]
    # By str, since Decimal(0.1) has more than 50 digits, and DynamoDB accepts 38.
    return Decimal(str(value)) if isinstance(value, float) else value
