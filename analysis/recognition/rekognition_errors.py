"""What Rekognition's and botocore's errors mean: try again later, final for the picture, or nobody's picture."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Mapping
from typing import Final

from botocore import exceptions, parsers  # noqa: TID251

from analysis.recognition.recognizer import ApiName, Busy, Failed, Unavailable, Unreadable

logger = logging.getLogger(__name__)

AGAIN = "It is asked again by itself."
RESUMES = "Work resumes by itself afterwards."

Meaning = tuple[type[Failed], str, str]

_too_fast: Meaning = (Busy, "Rekognition was asked faster than the account's quota allows.", AGAIN)
_troubled: Meaning = (Busy, "Rekognition has trouble of its own.", AGAIN)
_refused: Meaning = (
    Unavailable,
    "AWS does not accept the credentials.",
    f"Renew them (and check this machine's clock). {RESUMES}",
)
_forbidden: Meaning = (
    Unavailable,
    "The credentials are not allowed to do this.",
    f"Allow the IAM action rekognition:{{operation}}. {RESUMES}",
)
_odd_request: Meaning = (Unreadable, "Rekognition refuses this picture or the parameters: {message}", "")

ANSWERED: Final[Mapping[str, Meaning]] = {
    "ProvisionedThroughputExceededException": _too_fast,
    "ThrottlingException": _too_fast,
    "Throttling": _too_fast,
    "TooManyRequestsException": _too_fast,
    "RequestLimitExceeded": _too_fast,
    "SlowDown": _too_fast,
    "LimitExceededException": _too_fast,
    "HumanLoopQuotaExceededException": _too_fast,
    "InternalServerError": _troubled,
    "InternalFailure": _troubled,
    "ServiceUnavailable": _troubled,
    "ServiceUnavailableException": _troubled,
    "RequestTimeout": _troubled,
    "RequestTimeoutException": _troubled,
    "InvalidImageFormatException": (Unreadable, "Rekognition cannot read this picture's format.", ""),
    "ImageTooLargeException": (Unreadable, "The picture is larger than Rekognition takes.", ""),
    "InvalidParameterException": _odd_request,
    "ValidationException": _odd_request,
    "InvalidS3ObjectException": (
        Unreadable,
        "Rekognition cannot read the object in S3: it is gone, in another region or not readable for it.",
        "Check the key, the bucket's region and s3:GetObject.",
    ),
    "AccessDeniedException": _forbidden,
    "AccessDenied": _forbidden,
    "NotAuthorized": _forbidden,
    "UnrecognizedClientException": _refused,
    "InvalidClientTokenId": _refused,
    "InvalidAccessKeyId": _refused,
    "ExpiredTokenException": _refused,
    "ExpiredToken": _refused,
    "InvalidSignatureException": _refused,
    "SignatureDoesNotMatch": _refused,
    "IncompleteSignature": _refused,
    "IncompleteSignatureException": _refused,
    "MissingAuthenticationToken": _refused,
    "MissingAuthenticationTokenException": _refused,
    "RequestTimeTooSkewed": _refused,
    "RequestExpired": _refused,
    "OptInRequired": (Unavailable, "The account has no access to Rekognition in this region.", f"Enable it. {RESUMES}"),
    "SubscriptionRequiredException": (Unavailable, "The account is not signed up for Rekognition.", "Sign it up."),
    "UnknownOperationException": (
        Unavailable,
        "This endpoint or region does not know rekognition:{operation}.",
        f"Check AWS_REGION and AWS_ENDPOINT_URL_REKOGNITION. {RESUMES}",
    ),
    "ResourceNotFoundException": (Unavailable, "The named adapter or resource does not exist.", RESUMES),
    "ResourceNotReadyException": (Unavailable, "The named adapter is not running.", f"Start it. {RESUMES}"),
}

_lost: Meaning = (Busy, "The connection to Rekognition was lost.", AGAIN)
_no_credentials: Meaning = (
    Unavailable,
    "There are no usable AWS credentials.",
    f"Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role. {RESUMES}",
)
_no_region: Meaning = (Unavailable, "No usable AWS region is set.", f"Set AWS_REGION. {RESUMES}")
_misconfigured: Meaning = (Unavailable, "The AWS client's configuration cannot be used.", f"Correct it. {RESUMES}")
_no_such_host: Meaning = (
    Unavailable,
    "The endpoint's name cannot be resolved.",
    f"Check the network, AWS_REGION and AWS_ENDPOINT_URL_REKOGNITION. {RESUMES}",
)

# By class or its nearest ancestor here.
UNANSWERED: Final[Mapping[type[Exception], Meaning]] = {
    exceptions.EndpointConnectionError: (Busy, "The endpoint does not accept connections.", AGAIN),
    exceptions.ConnectTimeoutError: (Busy, "The endpoint did not accept the connection in time.", AGAIN),
    exceptions.ReadTimeoutError: (Busy, "Rekognition did not answer in time.", AGAIN),
    exceptions.ConnectionClosedError: _lost,
    exceptions.ResponseStreamingError: _lost,
    exceptions.IncompleteReadError: _lost,
    exceptions.ConnectionError: _lost,
    exceptions.HTTPClientError: _lost,
    exceptions.CapacityNotAvailableError: _too_fast,
    parsers.ResponseParserError: (Busy, "The answer was cut short or is not Rekognition's.", AGAIN),
    exceptions.SSLError: (
        Unavailable,
        "The endpoint's certificate cannot be verified.",
        f"Check the endpoint, the clock and AWS_CA_BUNDLE. {RESUMES}",
    ),
    exceptions.ProxyConnectionError: (
        Unavailable,
        "The proxy cannot be reached.",
        f"Check HTTPS_PROXY and NO_PROXY. {RESUMES}",
    ),
    exceptions.NoCredentialsError: _no_credentials,
    exceptions.PartialCredentialsError: _no_credentials,
    exceptions.CredentialRetrievalError: _no_credentials,
    exceptions.MetadataRetrievalError: _no_credentials,
    exceptions.NoAuthTokenError: _no_credentials,
    exceptions.TokenRetrievalError: _no_credentials,
    exceptions.RefreshWithMFAUnsupportedError: _no_credentials,
    exceptions.SSOError: _no_credentials,
    exceptions.LoginError: _no_credentials,
    exceptions.NoRegionError: _no_region,
    exceptions.InvalidRegionError: _no_region,
    exceptions.EndpointProviderError: _no_region,
    exceptions.ParamValidationError: _odd_request,
    exceptions.BotoCoreError: _misconfigured,
}


def answered(error: exceptions.ClientError, *, api: ApiName, operation: str) -> Failed:
    """What AWS's own error means. Codes nobody listed are told by the HTTP status."""
    said = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    code = str(said.get("Code", "")) or "Unknown"
    status = metadata.get("HTTPStatusCode", 0)
    kind, reason, next_step = ANSWERED.get(code) or _by_status(status)
    if kind is Unavailable:  # AWS's message names the account and the principal: for the log, not for the page
        logger.warning("rekognition:%s %s: %s", operation, code, said.get("Message", ""))
    words = {"operation": operation, "message": str(said.get("Message", ""))}
    return _failed(kind, reason, next_step, api=api, code=code, words=words, headers=metadata.get("HTTPHeaders", {}))


def _by_status(status: int) -> Meaning:
    if status >= 500:
        return _troubled
    if status == 429:
        return _too_fast
    if status in {401, 403}:
        return _forbidden
    if status == 404:
        return ANSWERED["UnknownOperationException"]
    return _odd_request


def unanswered(error: Exception, *, api: ApiName) -> Failed:
    """What a request without an answer means."""
    meaning = next(UNANSWERED[ancestor] for ancestor in type(error).__mro__ if ancestor in UNANSWERED)
    if isinstance(error, exceptions.EndpointConnectionError) and _is_unresolved(error):
        meaning = _no_such_host
    kind, reason, next_step = meaning
    return _failed(kind, reason, next_step, api=api, code=type(error).__name__, words={"message": str(error)})


def _is_unresolved(error: exceptions.EndpointConnectionError) -> bool:
    return any(isinstance(cause, socket.gaierror) for cause in _causes(error.kwargs.get("error")))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _failed(
    kind: type[Failed],
    reason: str,
    next_step: str,
    *,
    api: ApiName,
    code: str,
    words: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> Failed:
    reason, next_step = reason.format_map(words), next_step.format_map(words)
    if kind is Busy:
        return Busy(reason, api=api, code=code, next_step=next_step, retry_after=_retry_after(headers or {}))
    return kind(reason, api=api, code=code, next_step=next_step)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; AWS's own header counts milliseconds."""
    for name, unit in (("x-amz-retry-after", 0.001), ("retry-after", 1.0)):
        if headers.get(name, "").isdecimal():
            return int(headers[name]) * unit
    return None
