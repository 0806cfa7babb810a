"""Amazon Rekognition: requests and answers. With rekognition_errors the only importer of its client."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore import exceptions, parsers  # noqa: TID251
from botocore.config import Config  # noqa: TID251

from analysis.aws.clients import session
from analysis.recognition.base import ApiName, Parameters, Response, S3Object, UnreadableResponse
from analysis.recognition.rekognition.errors import from_connection_error, from_response, no_answer

AS_RECEIVED = "AsReceived"
IS_FOREIGN = "IsForeign"
READ_TIMEOUT = 20.0
"""Seconds without a byte after which a request counts as lost."""
MOST_BYTES = 5 * 1024 * 1024  # Image.Bytes in the service model: 5,242,880
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")

Request = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One operation: its name (also the IAM action's), the client's method, the request's fields beside Image.

    `result` is the answer's main field; `version` reads the model's version in it. DetectFaces and
    RecognizeCelebrities name none, so theirs is ours: raise its number when AWS announces another model, and stored
    answers are no longer taken for today's.
    """

    name: str
    method: str
    request: Callable[[Parameters], Request]
    result: str
    version: Callable[[Mapping[str, Any]], str]


def _detect_labels(parameters: Parameters) -> Request:
    filters = {
        "LabelInclusionFilters": parameters.label_inclusion,
        "LabelExclusionFilters": parameters.label_exclusion,
        "LabelCategoryInclusionFilters": parameters.category_inclusion,
        "LabelCategoryExclusionFilters": parameters.category_exclusion,
    }
    named = {name: list(names) for name, names in filters.items() if names}
    return {
        "MaxLabels": parameters.max_labels,
        "MinConfidence": parameters.min_confidence,
        "Features": ["GENERAL_LABELS", *(["IMAGE_PROPERTIES"] if parameters.image_properties else [])],
        **({"Settings": {"GeneralLabels": named}} if named else {}),
    }


def _detect_faces(_: Parameters) -> Request:
    return {"Attributes": ["ALL"]}


def _nothing_more(_: Parameters) -> Request:
    return {}


def _detect_moderation_labels(parameters: Parameters) -> Request:
    return {"MinConfidence": parameters.moderation_min_confidence}


def _named(field: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda content: str(content.get(field) or "unknown")


def _ours(version: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _: version


OPERATIONS: Final[Mapping[ApiName, Operation]] = {
    "labels": Operation("DetectLabels", "detect_labels", _detect_labels, "Labels", _named("LabelModelVersion")),
    "faces": Operation("DetectFaces", "detect_faces", _detect_faces, "FaceDetails", _ours("faces-1")),
    "celebrities": Operation(
        "RecognizeCelebrities", "recognize_celebrities", _nothing_more, "CelebrityFaces", _ours("celebrities-1")
    ),
    "text": Operation("DetectText", "detect_text", _nothing_more, "TextDetections", _named("TextModelVersion")),
    "moderation": Operation(
        "DetectModerationLabels",
        "detect_moderation_labels",
        _detect_moderation_labels,
        "ModerationLabels",
        _named("ModerationModelVersion"),
    ),
}


class Rekognition:
    """Asks Rekognition with a given client, one request per call: retrying is the queue's business, which counts."""

    name: str = "rekognition"
    apis: frozenset[ApiName] = frozenset(OPERATIONS)
    sends_originals: bool = True

    def __init__(self, *, client: Any, region: str = "") -> None:
        self._given = client
        self.region: str | None = region

    def recognize(self, picture: bytes | S3Object, *, api: ApiName, parameters: Parameters) -> Response:
        """Send one request; raises Busy, Unreadable or Unavailable. What cannot succeed is refused unsent."""
        operation = OPERATIONS[api]
        request = {"Image": _image(picture, api=api), **operation.request(parameters)}
        try:
            method = getattr(self._client(), operation.method)
            started = time.perf_counter()
            content = dict(method(**request))
            latency = time.perf_counter() - started
        except exceptions.ClientError as error:
            raise from_response(error, api=api, operation=operation.name) from error
        except (exceptions.BotoCoreError, parsers.ResponseParserError) as error:
            raise from_connection_error(error, api=api) from error
        except (RecursionError, NotAnAnswer) as error:
            raise no_answer("odd", api=api) from error
        metadata = content.pop("ResponseMetadata", {})
        is_foreign = content.pop(IS_FOREIGN, False)
        content = content.pop(AS_RECEIVED, content)
        if operation.result not in content:  # botocore makes an empty answer of whatever is no JSON
            raise no_answer("foreign" if is_foreign else "cut", api=api, metadata=metadata)
        return Response(
            api=api,
            recognizer=self.name,
            model_version=operation.version(content),
            content=content,
            request_id=str(metadata.get("RequestId", "")),
            latency_ms=round(latency * 1000),
        )

    def _client(self) -> Any:
        return self._given


def connect(*, region: str | None, threads: int, read_timeout: float = READ_TIMEOUT) -> Rekognition:
    """A recognizer whose client is made at its first use, once per process, and serves `threads` threads."""
    return _Connected(region=region, threads=threads, read_timeout=read_timeout)


def simulated(*, address: str, threads: int) -> Rekognition:
    """The simulator at this address, asked exactly as Rekognition is; its answers go by its own name, not by AWS's."""
    simulator = _Connected(region="us-east-1", threads=threads, address=address)
    simulator.name = "simulator"
    return simulator


class _Connected(Rekognition):
    def __init__(
        self, *, region: str | None, threads: int, address: str = "", read_timeout: float = READ_TIMEOUT
    ) -> None:
        super().__init__(client=None, region=region or "")
        self._threads, self._address, self._read_timeout = threads, address, read_timeout

    def _client(self) -> Any:
        with _making:
            key = (self.region or None, self._threads, self._address, self._read_timeout)
            if key not in _clients:
                _clients[key] = _make(*key)
            return _clients[key]


_making = threading.Lock()
_clients: dict[tuple[str | None, int, str, float], Any] = {}


def reset() -> None:
    """Make clients anew at their next use: the environment has changed."""
    with _making:
        _clients.clear()


def _start_over_in_child() -> None:
    # A forked child must not write to its parent's connections, nor wait for a lock that another thread held.
    global _making  # noqa: PLW0603
    _making = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_start_over_in_child)


def _make(region: str | None, threads: int, address: str, read_timeout: float) -> Any:
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},  # one request per call: each is paid and counted
        connect_timeout=3,
        read_timeout=read_timeout,
        max_pool_connections=threads,
        tcp_keepalive=True,
    )
    try:
        # Never real credentials for the simulator: it might be anybody who listens there.
        elsewhere = {
            "endpoint_url": address,
            "aws_access_key_id": "simulated",
            "aws_secret_access_key": "simulated",
        }
        client = session().create_client(
            "rekognition", region_name=region, config=config, **(elsewhere if address else {})
        )
    except exceptions.BotoCoreError:
        raise
    except ValueError as error:  # botocore's "Invalid endpoint: …" has no class of its own
        raise exceptions.InvalidConfigError(error_msg=str(error)) from error
    client.meta.events.register("before-parse.rekognition", _keep_as_received)
    return client


def _keep_as_received(*, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Put the body beside what botocore makes of it, which leaves out every field its own model does not know."""
    if response_dict["status_code"] >= 300:
        return
    body, has_id = response_dict["body"], "x-amzn-requestid" in response_dict["headers"]
    try:
        content = json.loads(body, parse_constant=_refuse_constant)
    except NotAnAnswer:
        raise
    except ValueError:  # the first half of an answer, or somebody else's page
        customized_response_dict[IS_FOREIGN] = not has_id and not body.lstrip().startswith(b"{")
        return
    customized_response_dict[IS_FOREIGN] = not has_id
    if isinstance(content, dict):
        customized_response_dict[AS_RECEIVED] = content


class NotAnAnswer(Exception):
    """JSON with what JSON does not have."""


def _refuse_constant(name: str) -> None:
    raise NotAnAnswer(name)


def _image(picture: bytes | S3Object, *, api: ApiName) -> Request:
    """Refuses what Rekognition would; botocore checks lower limits only and spends the call."""
    if isinstance(picture, S3Object):
        version = {"Version": picture.version} if picture.version else {}
        return {"S3Object": {"Bucket": picture.bucket, "Name": picture.key, **version}}
    if not picture.startswith(MAGIC):
        raise UnreadableResponse(
            "Rekognition reads JPEG and PNG only, these bytes are neither.", api=api, code="NotAPicture"
        )
    if len(picture) > MOST_BYTES:
        raise UnreadableResponse(
            f"{len(picture):,} bytes are more than the {MOST_BYTES:,} that Rekognition takes.",
            api=api,
            code="PictureTooLarge",
        )
    return {"Bytes": picture}
