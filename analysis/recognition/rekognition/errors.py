"""Rekognition's and botocore's errors as ours, by the tables in rekognition_meanings."""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from botocore import exceptions  # noqa: TID251

from analysis.aws.endpoint_names import without_credentials
from analysis.recognition.base import ApiName, ApiUnavailable, RequestFailed, Throttled
from analysis.recognition.rekognition.error_table import (
    CONNECTION_ERRORS,
    ERROR_CODES,
    LOST,
    NO_ANSWER,
    NO_ROLE,
    NO_SUCH_HOST,
    ErrorEntry,
    by_status,
)

logger = logging.getLogger(__name__)

ARN = re.compile(r"\barn:aws[\w-]*:\S*[^\s.,;:]")
CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def from_response(error: exceptions.ClientError, *, api: ApiName, operation: str) -> RequestFailed:
    """What AWS's own error means. Codes nobody listed are told by the HTTP status."""
    said = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    code, message = str(said.get("Code", "")) or "Unknown", str(said.get("Message", ""))
    is_named = not code.isdecimal()  # botocore puts the HTTP status where the body names no error
    meaning = ERROR_CODES.get(code) or by_status(metadata.get("HTTPStatusCode", 0), is_named=is_named)
    if error.operation_name != operation:  # the client asked for a role's credentials first and got none
        meaning, message = NO_ROLE, f"{error.operation_name} was refused."
    if code not in ERROR_CODES or meaning.kind is ApiUnavailable or ARN.search(message):
        # AWS's message may name the account and the principal: for the log, not for the page
        logger.warning("%s %s: %.500s", error.operation_name, code, said.get("Message", ""))
        message = ARN.sub("(named in the log)", message)
    words = {"operation": operation, "message": message}
    return _failed(meaning, words, api=api, code=code, metadata=metadata)


def from_connection_error(error: Exception, *, api: ApiName) -> RequestFailed:
    """What a request without an answer means."""
    meaning = next(CONNECTION_ERRORS[ancestor] for ancestor in type(error).__mro__ if ancestor in CONNECTION_ERRORS)
    if isinstance(error, exceptions.ConnectionError):
        causes = list(_causes(error.kwargs.get("error")))
        if isinstance(error, exceptions.EndpointConnectionError) and _has(causes, socket.gaierror):
            meaning = NO_SUCH_HOST
        if isinstance(error, exceptions.SSLError) and _has(causes, *CUT_OFF):
            meaning = LOST
    return _failed(
        meaning,
        {"operation": "", "message": without_credentials(str(error))},
        api=api,
        code=type(error).__name__,
        metadata={},
    )


def no_answer(kind: str, *, api: ApiName, metadata: Mapping[str, Any] = MappingProxyType({})) -> RequestFailed:
    """What HTTP 200 without an answer means: one of NO_ANSWER."""
    code, meaning = NO_ANSWER[kind]
    return _failed(meaning, {}, api=api, code=code, metadata=metadata)


def _has(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(error: object) -> Iterator[BaseException]:
    """The error and what is behind it; urllib3 also hands causes on as an argument."""
    while isinstance(error, BaseException):
        yield error
        inner = next((each for each in error.args if isinstance(each, BaseException)), None)
        error = error.__cause__ or error.__context__ or inner


def _failed(
    meaning: ErrorEntry, words: Mapping[str, str], *, api: ApiName, code: str, metadata: Mapping[str, Any]
) -> RequestFailed:
    reason, next_step = meaning.reason.format_map(words), meaning.next_step.format_map(words)
    request_id = str(metadata.get("RequestId", ""))
    if meaning.kind is Throttled:
        return Throttled(
            reason,
            api=api,
            code=code,
            next_step=next_step,
            outcome=meaning.outcome,
            request_id=request_id,
            retry_after=_retry_after(metadata.get("HTTPHeaders", {})),
        )
    return meaning.kind(reason, api=api, code=code, next_step=next_step, outcome=meaning.outcome, request_id=request_id)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; AWS's own header counts milliseconds."""
    for name, unit in (("x-amz-retry-after", 0.001), ("retry-after", 1.0)):
        if headers.get(name, "").isdecimal():
            return int(headers[name]) * unit
    return None
