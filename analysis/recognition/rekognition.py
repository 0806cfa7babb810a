"""Amazon Rekognition: requests and answers. With rekognition_errors the only importer of its client."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3  # noqa: TID251
from botocore import exceptions, parsers  # noqa: TID251
from botocore.config import Config  # noqa: TID251

from analysis.recognition.recognizer import Answer, ApiName, Parameters, Unavailable, Unreadable
from analysis.recognition.rekognition_errors import answered, unanswered

MOST_BYTES = 5 * 1024 * 1024  # Image.Bytes in the service model: 5,242,880
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


@dataclass(frozen=True)
class Operation:
    """One operation of Rekognition: its name (the IAM action), the client's method, its request and version field."""

    name: str
    method: str
    request: Callable[[bytes, Parameters], dict[str, Any]]
    version: str


def _detect_labels(picture: bytes, parameters: Parameters) -> dict[str, Any]:
    return {
        "Image": {"Bytes": picture},
        "MaxLabels": parameters.max_labels,
        "MinConfidence": parameters.min_confidence,
        "Features": ["GENERAL_LABELS", *(["IMAGE_PROPERTIES"] if parameters.image_properties else [])],
    }


OPERATIONS: Final[Mapping[ApiName, Operation]] = {
    "labels": Operation("DetectLabels", "detect_labels", _detect_labels, "LabelModelVersion"),
}


class Rekognition:
    """Asks Rekognition with a given client, one request per call: retrying is the queue's business, which counts."""

    name: str = "rekognition"
    apis: frozenset[ApiName] = frozenset(OPERATIONS)
    region: str | None = ""
    takes_originals: bool = True

    def __init__(self, *, client: Any) -> None:
        self._given = client

    def recognize(self, picture: bytes, *, api: ApiName, parameters: Parameters) -> Answer:
        """Send one request; raises Busy, Unreadable or Unavailable. What cannot succeed is refused unsent."""
        operation = _operation(api)
        _check(picture, api=api)
        try:
            method = getattr(self._client(), operation.method)
            started = time.perf_counter()
            content = dict(method(**operation.request(picture, parameters)))
            latency = time.perf_counter() - started
        except exceptions.ClientError as error:
            raise answered(error, api=api, operation=operation.name) from error
        except (exceptions.BotoCoreError, parsers.ResponseParserError) as error:
            raise unanswered(error, api=api) from error
        metadata = content.pop("ResponseMetadata", {})
        return Answer(
            api=api,
            recognizer=self.name,
            model_version=str(content.get(operation.version) or "unknown"),
            content=content,
            request_id=str(metadata.get("RequestId", "")),
            latency_ms=round(latency * 1000),
        )

    def _client(self) -> Any:
        return self._given


def connect(*, region: str | None, threads: int) -> Rekognition:
    """A recognizer whose client is made at its first use, once per process, and serves `threads` threads."""
    return _Connected(region=region, threads=threads)


class _Connected(Rekognition):
    def __init__(self, *, region: str | None, threads: int) -> None:
        super().__init__(client=None)
        self._region = region
        self._threads = threads

    def _client(self) -> Any:
        with _making:
            key = (self._region, self._threads)
            if key not in _clients:
                _clients[key] = _make(*key)
            return _clients[key]


_making = threading.Lock()
_clients: dict[tuple[str | None, int], Any] = {}


def _start_over_in_child() -> None:
    # A forked child must not write to its parent's connections, nor wait for a lock that another thread held.
    global _making  # noqa: PLW0603
    _making = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_start_over_in_child)


def _make(region: str | None, threads: int) -> Any:
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},  # one request per call: each is paid and counted
        connect_timeout=3,
        read_timeout=20,
        max_pool_connections=threads,
        tcp_keepalive=True,
    )
    # A session of its own: the default one is shared and not safe between threads. Its clients are.
    session = boto3.session.Session()
    try:
        return session.client("rekognition", region_name=region, config=config)
    except exceptions.BotoCoreError:
        raise
    except ValueError as error:  # botocore's "Invalid endpoint: …" has no class of its own
        raise exceptions.InvalidConfigError(error_msg=str(error)) from error


def _operation(api: ApiName) -> Operation:
    if api not in OPERATIONS:
        raise Unavailable(
            f"imagelib asks Rekognition for {', '.join(OPERATIONS)} only.",
            api=api,
            code="ApiNotOffered",
            next_step="Leave it out of RECOGNIZER_APIS.",
        )
    return OPERATIONS[api]


def _check(picture: bytes, *, api: ApiName) -> None:
    """Refuse what Rekognition would; botocore checks lower limits only and spends the call."""
    if not picture.startswith(MAGIC):
        raise Unreadable("Rekognition reads JPEG and PNG only, these bytes are neither.", api=api, code="NotAPicture")
    if len(picture) > MOST_BYTES:
        raise Unreadable(
            f"{len(picture):,} bytes are more than the {MOST_BYTES:,} that Rekognition takes.",
            api=api,
            code="PictureTooLarge",
        )
