"""Amazon Rekognition: sends requests and reads responses.

The only user of its client.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore import exceptions, parsers
from botocore.config import Config

from analysis.aws.clients import session
from analysis.messages import gettext_noop
from analysis.recognition.base import BEFORE_SEND, ApiName, Parameters, Response, S3Object, UnreadableResponse
from analysis.recognition.rekognition.errors import from_connection_error, from_response, invalid_response

RAW_CONTENT = "RawContent"
LACKS_REQUEST_ID = "LacksRequestId"
# Seconds without a received byte after which a request counts as lost.
READ_TIMEOUT = 20.0
MAX_BYTES = 5 * 1024 * 1024  # Image.Bytes in the service model: 5,242,880
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")

Request = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """An operation: API name, client method, the request's fields besides Image.

    `result` is the main field of the response; `version` reads the model's version. DetectFaces and
    RecognizeCelebrities return none, so imagelib numbers theirs: raise the number when AWS announces a new model, and
    cached responses of the old one are no longer used.
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


def _no_options(_: Parameters) -> Request:
    return {}


def _detect_moderation_labels(parameters: Parameters) -> Request:
    return {"MinConfidence": parameters.moderation_min_confidence}


def _version_field(field: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda content: str(content.get(field) or "unknown")


def _fixed_version(version: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _: version


OPERATIONS: Final[Mapping[ApiName, Operation]] = {
    "labels": Operation("DetectLabels", "detect_labels", _detect_labels, "Labels", _version_field("LabelModelVersion")),
    "faces": Operation("DetectFaces", "detect_faces", _detect_faces, "FaceDetails", _fixed_version("faces-1")),
    "celebrities": Operation(
        "RecognizeCelebrities", "recognize_celebrities", _no_options, "CelebrityFaces", _fixed_version("celebrities-1")
    ),
    "text": Operation("DetectText", "detect_text", _no_options, "TextDetections", _version_field("TextModelVersion")),
    "moderation": Operation(
        "DetectModerationLabels",
        "detect_moderation_labels",
        _detect_moderation_labels,
        "ModerationLabels",
        _version_field("ModerationModelVersion"),
    ),
}


class Rekognition:
    """Rekognition through a boto3 client: one request per call, no retries."""

    name: str = "rekognition"
    apis: frozenset[ApiName] = frozenset(OPERATIONS)
    sends_originals: bool = True

    def __init__(self, *, client: Any, region: str = "") -> None:
        self._boto_client = client
        self.region: str | None = region

    def recognize(self, picture: bytes | S3Object, *, api: ApiName, parameters: Parameters) -> Response:
        """Send one request.

        Pictures that Rekognition would reject are not sent, since each call may be charged.
        """
        operation = OPERATIONS[api]
        request = {"Image": _image(picture, api=api), **operation.request(parameters)}
        try:
            # Within try, since the client is created at its first use, which fails if the settings are invalid.
            method = getattr(self._client(), operation.method)
            started = time.perf_counter()
            content = dict(method(**request))
            latency = time.perf_counter() - max(started, getattr(_thread, "sent_at", started))
        except exceptions.ClientError as error:
            raise from_response(error, api=api, operation=operation.name) from error
        except (exceptions.BotoCoreError, parsers.ResponseParserError) as error:
            raise from_connection_error(error, api=api) from error
        except (RecursionError, InvalidJson, AttributeError, TypeError) as error:  # botocore expects AWS's structure
            raise invalid_response("unreadable", api=api) from error
        metadata = content.pop("ResponseMetadata", {})
        lacks_id = content.pop(LACKS_REQUEST_ID, False)
        content = content.pop(RAW_CONTENT, content)
        if operation.result not in content:  # botocore reads a body that is not JSON as an empty result
            raise invalid_response("not-rekognition" if lacks_id else "incomplete", api=api, metadata=metadata)
        return Response(
            api=api,
            recognizer=self.name,
            model_version=operation.version(content),
            content=content,
            request_id=str(metadata.get("RequestId", "")),
            latency_ms=round(latency * 1000),
        )

    def _client(self) -> Any:
        return self._boto_client


def connect(*, region: str | None, threads: int, read_timeout: float = READ_TIMEOUT) -> Rekognition:
    """A recognizer that creates its client, for `threads` threads, at first use."""
    return _LazyRekognition(region=region, threads=threads, read_timeout=read_timeout)


def simulated(*, address: str, threads: int) -> Rekognition:
    """A recognizer that calls the simulator at this address exactly like Rekognition.

    Its results are stored under its own name.
    """
    simulator = _LazyRekognition(region="us-east-1", threads=threads, address=address)
    simulator.name = "simulator"
    return simulator


class _LazyRekognition(Rekognition):
    def __init__(
        self, *, region: str | None, threads: int, address: str = "", read_timeout: float = READ_TIMEOUT
    ) -> None:
        super().__init__(client=None, region=region or "")
        self._threads, self._address, self._read_timeout = threads, address, read_timeout

    def _client(self) -> Any:
        with _client_lock:
            key = (self.region or None, self._threads, self._address, self._read_timeout)
            if key not in _clients:
                _clients[key] = _create_client(*key)
            return _clients[key]


# Per thread: when its latest request was sent, after waiting for its turn.
_thread = threading.local()
_client_lock = threading.Lock()
# Shared: a boto3 client takes some 100 ms and several megabytes to create, and may be used by many threads.
_clients: dict[tuple[str | None, int, str, float], Any] = {}


def reset() -> None:
    """Create the clients again at their next use, because the environment changed."""
    with _client_lock:
        _clients.clear()


def _reset_in_child() -> None:
    # A forked child must not use its parent's connections, nor wait for a lock that another thread held.
    global _client_lock
    _client_lock = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_reset_in_child)


def _create_client(region: str | None, threads: int, address: str, read_timeout: float) -> Any:
    # Set explicitly, since botocore's defaults for retries changed in 1.44.
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},  # one request per call: each is charged and counted
        connect_timeout=3,
        read_timeout=read_timeout,
        max_pool_connections=threads,
        tcp_keepalive=True,
    )
    try:
        # Never send real credentials to the simulator's address: another program may listen there.
        options = {
            "endpoint_url": address,
            "aws_access_key_id": "simulated",
            "aws_secret_access_key": "simulated",
        }
        client = session().create_client(
            "rekognition", region_name=region, config=config, **(options if address else {})
        )
    # First, since some of botocore's errors are ValueErrors, too, such as InvalidRegionError.
    except exceptions.BotoCoreError:
        raise
    except ValueError as error:  # botocore raises a plain ValueError for "Invalid endpoint: …"
        raise exceptions.InvalidConfigError(error_msg=str(error)) from error
    client.meta.events.register("before-parse.rekognition", _keep_raw_content)
    client.meta.events.register("before-send.rekognition", _wait_before_send)
    return client


def _wait_before_send(**_: Any) -> None:
    if wait := BEFORE_SEND.get():
        wait()
    _thread.sent_at = time.perf_counter()


def _keep_raw_content(*, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Keep the body as received: botocore drops fields unknown to its model."""
    if response_dict["status_code"] >= 300:
        return
    body, has_id = response_dict["body"], "x-amzn-requestid" in response_dict["headers"]
    try:
        content = json.loads(body, parse_constant=_refuse_constant)
    except InvalidJson:
        raise
    except ValueError:  # a truncated response, or the page of a proxy
        # A truncated response still begins as JSON, unlike the page of a proxy.
        customized_response_dict[LACKS_REQUEST_ID] = not has_id and not body.lstrip().startswith(b"{")
        return
    customized_response_dict[LACKS_REQUEST_ID] = not has_id
    if isinstance(content, dict):
        customized_response_dict[RAW_CONTENT] = content


class InvalidJson(Exception):
    """NaN or Infinity, which Python's parser accepts and PostgreSQL's does not."""


def _refuse_constant(name: str) -> None:
    raise InvalidJson(name)


def _image(picture: bytes | S3Object, *, api: ApiName) -> Request:
    """The request's Image.

    botocore checks lower limits only, so format and size are checked here.
    """
    if isinstance(picture, S3Object):
        version = {"Version": picture.version} if picture.version else {}
        return {"S3Object": {"Bucket": picture.bucket, "Name": picture.key, **version}}
    if not picture.startswith(MAGIC):
        raise UnreadableResponse(gettext_noop("Rekognition accepts only JPEG and PNG."), api=api, code="NotAPicture")
    if len(picture) > MAX_BYTES:
        raise UnreadableResponse(
            gettext_noop("The picture has %(size)s bytes; Rekognition accepts at most %(limit)s."),
            api=api,
            code="PictureTooLarge",
            values={"size": f"{len(picture):,}", "limit": f"{MAX_BYTES:,}"},
        )
    return {"Bytes": picture}
