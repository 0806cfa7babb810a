"""Holds a request against botocore's service model, as the service's front does: types, then every limit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import botocore.loaders  # noqa: TID251
import botocore.model  # noqa: TID251

from imagelib.simulator.errors import RequestRefused

BYTES: Final = re.compile(rb'"Bytes"\s*:\s*"')
LARGE: Final = 4096  # bytes of a body above which its picture is cut out before it is read as JSON
NUMBERS: Final = {"integer", "long", "float", "double"}
MOST_LABELS: Final = 1000  # documented; the service model has no maximum


@cache
def _input_shape(operation: str) -> Any:
    model = botocore.loaders.Loader().load_service_model("rekognition", "service-2")
    return botocore.model.ServiceModel(model, "rekognition").operation_model(operation).input_shape


def request(body: bytes, *, operation: str, constraint_code: str) -> dict[str, Any]:
    """The parameters, Image.Bytes as the base64 it came in. Raises Refused."""
    parameters = _read(body)
    complaints = list(_complaints(parameters, _input_shape(operation), ""))
    complaints += _beyond_the_model(parameters)
    if complaints:
        many = "errors" if len(complaints) > 1 else "error"
        raise RequestRefused(constraint_code, f"{len(complaints)} validation {many} detected: {'; '.join(complaints)}")
    image = parameters["Image"]
    if ("Bytes" in image) == ("S3Object" in image):
        raise RequestRefused("InvalidParameterException")
    return parameters


def _read(body: bytes) -> dict[str, Any]:
    found = BYTES.search(body) if len(body) > LARGE else None
    try:
        parameters = json.loads(body) if found is None else _without_picture(body, found)
    except ValueError as error:
        raise RequestRefused("SerializationException", "The request is not JSON.") from error
    if not isinstance(parameters, dict):
        raise RequestRefused("SerializationException", "The request is no JSON object.")
    return parameters


def _without_picture(body: bytes, found: re.Match[bytes]) -> Any:
    """JSON takes 1 ms for 500 kB; base64 needs none of its decoding."""
    begin, end = found.end(), body.find(b'"', found.end())
    text = body[begin:end]
    parameters = json.loads(body[:begin] + body[end:])
    try:
        is_in_place = parameters["Image"]["Bytes"] == "" and b"\\" not in text
    except (KeyError, TypeError, IndexError):
        is_in_place = False
    if not is_in_place:
        return json.loads(body)
    parameters["Image"]["Bytes"] = text
    return parameters


def _complaints(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Sentences as the service's front says them. Raises Refused for another type."""
    kind = shape.type_name
    if kind == "structure":
        yield from _of_structure(_typed(value, dict, where), shape, where)
    elif kind == "list":
        yield from _of_limits(_typed(value, list, where), len(value), shape, where, "length")
        for number, item in enumerate(value, 1):
            yield from _complaints(item, shape.member, f"{where}.{number}.member")
    elif kind == "blob":
        size = len(_typed(value, (bytes, str), where))
        if not size:
            yield _complaint("", where, "Member must have length greater than or equal to 1")
    elif kind in NUMBERS:
        expected = int if kind in {"integer", "long"} else (int, float)
        yield from _of_limits(_typed(value, expected, where), value, shape, where, "value")
    elif kind == "string":
        yield from _of_string(_typed(value, str, where), shape, where)
    else:
        _typed(value, bool, where)


def _typed(value: Any, expected: Any, where: str) -> Any:
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise RequestRefused("SerializationException", f"{type(value).__name__} is not what '{where}' takes.")
    return value


def _of_structure(value: dict[str, Any], shape: Any, where: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _complaint("null", _below(where, name), "Member must not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:  # a member nobody knows is ignored there too
            yield from _complaints(value[name], member, _below(where, name))


def _of_string(value: str, shape: Any, where: str) -> Iterator[str]:
    yield from _of_limits(value, len(value), shape, where, "length")
    if shape.enum and value not in shape.enum:
        yield _complaint(value, where, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _pattern(pattern).fullmatch(value):
        yield _complaint(value, where, f"Member must satisfy regular expression pattern: {pattern}")


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _of_limits(value: Any, amount: float, shape: Any, where: str, what: str) -> Iterator[str]:
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    if minimum is not None and amount < minimum:
        yield _complaint(value, where, f"Member must have {what} greater than or equal to {minimum}")
    # "not <=" catches a NaN, which Python's JSON reads.
    if maximum is not None and not amount <= maximum:
        yield _complaint(value, where, f"Member must have {what} less than or equal to {maximum}")


def _beyond_the_model(parameters: dict[str, Any]) -> list[str]:
    maximum = parameters.get("MaxLabels")
    if isinstance(maximum, int) and maximum > MOST_LABELS:
        return [_complaint(maximum, "maxLabels", f"Member must have value less than or equal to {MOST_LABELS}")]
    return []


def _below(where: str, name: str) -> str:
    small = name[:1].lower() + name[1:]
    return f"{where}.{small}" if where else small


def _complaint(value: Any, where: str, constraint: str) -> str:
    shown = str(value)
    return f"Value '{shown[:60]}' at '{where}' failed to satisfy constraint: {constraint}"
