"""Converts exceptions of botocore by the tables in `error_messages`."""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from botocore import exceptions

from analysis.aws.errors import is_clock_wrong
from analysis.aws.url_credentials import redact_url_credentials
from analysis.recognition.base import ApiName, ApiUnavailable, RequestFailed, Throttled
from analysis.recognition.rekognition.error_messages import (
    CONNECTION_ERRORS,
    CONNECTION_LOST,
    ERROR_CODES,
    HOST_NOT_FOUND,
    INVALID_RESPONSES,
    NO_ROLE,
    WRONG_CLOCK,
    ErrorEntry,
    by_status,
)

logger = logging.getLogger(__name__)

ARN = re.compile(r"\barn:aws[\w-]*:\S*[^\s.,;:]")
# TLS errors of a lost connection, as opposed to a wrong certificate.
CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def from_response(error: exceptions.ClientError, *, api: ApiName, operation: str) -> RequestFailed:
    """The recognizer's error for an error response of AWS.

    Unlisted codes are classified by HTTP status.
    """
    details = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    code, message = str(details.get("Code", "")) or "Unknown", str(details.get("Message", ""))
    is_named = not code.isdecimal()  # botocore puts the HTTP status here if the body names no error
    entry = ERROR_CODES.get(code) or by_status(metadata.get("HTTPStatusCode", 0), is_named=is_named)
    if is_clock_wrong(code, message):
        entry = WRONG_CLOCK
    elif error.operation_name != operation:  # the client's own call for a role's credentials (AssumeRole…) failed
        entry, message = NO_ROLE, f"{error.operation_name} was refused."
    if code not in ERROR_CODES or entry.error_class is ApiUnavailable or ARN.search(message):
        # AWS's message may name the account and the principal: for the log only, not for pages.
        logger.warning("%s %s: %.500s", error.operation_name, code, details.get("Message", ""))
        message = ARN.sub("(named in the log)", message)
    values = {"operation": operation, "message": message}
    return _request_failed(entry, values, api=api, code=code, metadata=metadata)


def from_connection_error(error: Exception, *, api: ApiName) -> RequestFailed:
    """The recognizer's error for a request without a response."""
    entry = next(CONNECTION_ERRORS[base] for base in type(error).__mro__ if base in CONNECTION_ERRORS)
    if isinstance(error, exceptions.ConnectionError):
        causes = list(_causes(error.kwargs.get("error")))
        if isinstance(error, exceptions.EndpointConnectionError) and _has(causes, socket.gaierror):
            entry = HOST_NOT_FOUND
        if isinstance(error, exceptions.SSLError) and _has(causes, *CUT_OFF):
            entry = CONNECTION_LOST
    values = {"message": redact_url_credentials(str(error))}
    return _request_failed(entry, values, api=api, code=type(error).__name__, metadata={})


def invalid_response(kind: str, *, api: ApiName, metadata: Mapping[str, Any] = MappingProxyType({})) -> RequestFailed:
    """The recognizer's error for HTTP 200 without a result.

    `kind` is a key of INVALID_RESPONSES.
    """
    code, entry = INVALID_RESPONSES[kind]
    return _request_failed(entry, {}, api=api, code=code, metadata=metadata)


def _has(causes: list[BaseException], *classes: type[BaseException]) -> bool:
    return any(isinstance(cause, classes) for cause in causes)


def _causes(error: object) -> Iterator[BaseException]:
    """The error and its causes.

    urllib3 passes some causes as an argument instead of chaining them.
    """
    while isinstance(error, BaseException):
        yield error
        inner = next((argument for argument in error.args if isinstance(argument, BaseException)), None)
        error = error.__cause__ or error.__context__ or inner


def _request_failed(
    entry: ErrorEntry, values: Mapping[str, str], *, api: ApiName, code: str, metadata: Mapping[str, Any]
) -> RequestFailed:
    common: dict[str, Any] = {
        "api": api,
        "code": code,
        "next_step": entry.next_step,
        "outcome": entry.outcome,
        "request_id": str(metadata.get("RequestId", "")),
        "values": values,
    }
    if entry.error_class is Throttled:
        return Throttled(entry.reason, **common, retry_after=_retry_after(metadata.get("HTTPHeaders", {})))
    return entry.error_class(entry.reason, **common)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; the unit of AWS's own header is milliseconds."""
    for name, unit in (("x-amz-retry-after", 0.001), ("retry-after", 1.0)):
        if headers.get(name, "").isdecimal():
            return int(headers[name]) * unit
    return None
