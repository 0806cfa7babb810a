"""What each error of Rekognition and of its client means: later, final for the picture, or nobody's picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from botocore import exceptions, parsers  # noqa: TID251

from analysis.recognition.base import ApiUnavailable, Outcome, RequestFailed, Throttled, UnreadableResponse


@dataclass(frozen=True)
class ErrorEntry:
    """`reason` and `next_step` may name {operation} and {message}; `outcome` is what the ledger says."""

    kind: type[RequestFailed]
    reason: str
    next_step: str = ""
    outcome: Outcome | None = None


AGAIN = "It is asked again by itself."
RESUMES = "Work resumes by itself afterwards."
CHECK_ADDRESS = f"Check the network, AWS_REGION and AWS_ENDPOINT_URL_REKOGNITION. {RESUMES}"

# --- Answered with an error -------------------------------------------------------------------------------------------

TOO_FAST = ErrorEntry(Throttled, "Rekognition was asked faster than the account's quota allows.", AGAIN, "throttled")
TROUBLED = ErrorEntry(Throttled, "Rekognition has trouble of its own.", AGAIN, "failed")
REFUSED = ErrorEntry(
    ApiUnavailable,
    "AWS does not accept the credentials.",
    f"Renew them (and check this machine's clock). {RESUMES}",
    "failed",
)
FORBIDDEN = ErrorEntry(
    ApiUnavailable,
    "The credentials are not allowed to do this.",
    f"Allow the IAM action rekognition:{{operation}}. {RESUMES}",
    "failed",
)
ODD_REQUEST = ErrorEntry(
    UnreadableResponse, "Rekognition refuses this picture or the parameters: {message}", outcome="failed"
)
UNLISTED = ErrorEntry(
    UnreadableResponse,
    "Rekognition refuses this picture or the parameters, with an error that imagelib does not know.",
    "The worker's log has what AWS says.",
    "failed",
)
FOREIGN = ErrorEntry(
    ApiUnavailable,
    "What answers at the endpoint is not Rekognition: a proxy, or a sign-in page.",
    CHECK_ADDRESS,
    "failed",
)
UNKNOWN_OPERATION = ErrorEntry(
    ApiUnavailable,
    "This endpoint or region does not know rekognition:{operation}.",
    f"Check AWS_REGION and AWS_ENDPOINT_URL_REKOGNITION. {RESUMES}",
    "failed",
)

TOO_LARGE = 413
"""The one refusal of a proxy that is about the picture."""

ERROR_CODES: Final[Mapping[str, ErrorEntry]] = {
    "ProvisionedThroughputExceededException": TOO_FAST,
    "ThrottlingException": TOO_FAST,
    "Throttling": TOO_FAST,
    "TooManyRequestsException": TOO_FAST,
    "RequestLimitExceeded": TOO_FAST,
    "SlowDown": TOO_FAST,
    "LimitExceededException": TOO_FAST,
    "HumanLoopQuotaExceededException": TOO_FAST,
    "InternalServerError": TROUBLED,
    "InternalFailure": TROUBLED,
    "ServiceUnavailable": TROUBLED,
    "ServiceUnavailableException": TROUBLED,
    "RequestTimeout": TROUBLED,
    "RequestTimeoutException": TROUBLED,
    "InvalidImageFormatException": ErrorEntry(
        UnreadableResponse, "Rekognition cannot read this picture's format.", outcome="failed"
    ),
    "ImageTooLargeException": ErrorEntry(
        UnreadableResponse, "The picture is larger than Rekognition takes.", outcome="failed"
    ),
    "InvalidParameterException": ODD_REQUEST,
    "ValidationException": ODD_REQUEST,
    "InvalidS3ObjectException": ErrorEntry(
        UnreadableResponse,
        "Rekognition cannot read the object in S3: it is gone, in another region or not readable for it.",
        "Check the key, the bucket's region and s3:GetObject.",
        "failed",
    ),
    "AccessDeniedException": FORBIDDEN,
    "AccessDenied": FORBIDDEN,
    "NotAuthorized": FORBIDDEN,
    "UnrecognizedClientException": REFUSED,
    "InvalidClientTokenId": REFUSED,
    "InvalidAccessKeyId": REFUSED,
    "ExpiredTokenException": REFUSED,
    "ExpiredToken": REFUSED,
    "InvalidSignatureException": REFUSED,
    "SignatureDoesNotMatch": REFUSED,
    "IncompleteSignature": REFUSED,
    "IncompleteSignatureException": REFUSED,
    "MissingAuthenticationToken": REFUSED,
    "MissingAuthenticationTokenException": REFUSED,
    "RequestTimeTooSkewed": REFUSED,
    "RequestExpired": REFUSED,
    "OptInRequired": ErrorEntry(
        ApiUnavailable, "The account has no access to Rekognition in this region.", f"Enable it. {RESUMES}", "failed"
    ),
    "SubscriptionRequiredException": ErrorEntry(
        ApiUnavailable, "The account is not signed up for Rekognition.", f"Sign it up. {RESUMES}", "failed"
    ),
    "UnknownOperationException": UNKNOWN_OPERATION,
    "ResourceNotFoundException": ErrorEntry(
        ApiUnavailable, "The named adapter or resource does not exist.", RESUMES, "failed"
    ),
    "ResourceNotReadyException": ErrorEntry(
        ApiUnavailable, "The named adapter is not running.", f"Start it. {RESUMES}", "failed"
    ),
}


def by_status(status: int, *, is_named: bool = True) -> ErrorEntry:
    """What a code that nobody listed means; AWS names every error, a proxy or a page does not."""
    if status >= 500:
        return TROUBLED
    if status == 429:
        return TOO_FAST
    if 0 < status < 400 or not (is_named or status == TOO_LARGE):
        return FOREIGN
    if status in {401, 403}:
        return FORBIDDEN
    return UNKNOWN_OPERATION if status == 404 else UNLISTED


NO_ANSWER: Final[Mapping[str, tuple[str, ErrorEntry]]] = {
    "cut": ("AnswerCutShort", ErrorEntry(Throttled, "The answer was cut short.", AGAIN, "unknown")),
    "foreign": ("NotRekognition", FOREIGN),
    "odd": (
        "UnreadableAnswer",
        ErrorEntry(
            UnreadableResponse, "The answer cannot be read: it is nested too deeply or is no valid JSON.", "", "unknown"
        ),
    ),
}
"""HTTP 200 without an answer: the error's code and meaning."""

# --- Not answered: without an outcome nothing was sent ----------------------------------------------------------------

LOST = ErrorEntry(Throttled, "The connection to Rekognition was lost.", AGAIN, "unknown")
NO_CREDENTIALS = ErrorEntry(
    ApiUnavailable,
    "There are no usable AWS credentials.",
    f"Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role. {RESUMES}",
)
NO_ROLE = ErrorEntry(
    ApiUnavailable, "AWS gives no credentials for the role: {message}", f"Correct the role's trust or name. {RESUMES}"
)
NO_REGION = ErrorEntry(ApiUnavailable, "No usable AWS region is set.", f"Set AWS_REGION. {RESUMES}")
MISCONFIGURED = ErrorEntry(ApiUnavailable, "The AWS client's configuration cannot be used.", f"Correct it. {RESUMES}")
NO_SUCH_HOST = ErrorEntry(ApiUnavailable, "The endpoint's name cannot be resolved.", CHECK_ADDRESS)
NO_CONNECTION = ErrorEntry(ApiUnavailable, "The endpoint does not accept connections.", CHECK_ADDRESS)

# By class or its nearest ancestor here.
CONNECTION_ERRORS: Final[Mapping[type[Exception], ErrorEntry]] = {
    exceptions.EndpointConnectionError: NO_CONNECTION,
    exceptions.ConnectTimeoutError: ErrorEntry(
        ApiUnavailable, "The endpoint did not accept the connection in time.", CHECK_ADDRESS
    ),
    exceptions.ConnectionError: NO_CONNECTION,
    exceptions.ReadTimeoutError: ErrorEntry(Throttled, "Rekognition did not answer in time.", AGAIN, "unknown"),
    exceptions.ConnectionClosedError: LOST,
    exceptions.ResponseStreamingError: LOST,
    exceptions.IncompleteReadError: LOST,
    exceptions.HTTPClientError: LOST,
    parsers.ResponseParserError: ErrorEntry(
        Throttled, "The answer was cut short or is not Rekognition's.", AGAIN, "unknown"
    ),
    exceptions.CapacityNotAvailableError: ErrorEntry(Throttled, "The AWS client held the request back.", AGAIN),
    exceptions.SSLError: ErrorEntry(
        ApiUnavailable,
        "The endpoint's certificate cannot be verified.",
        f"Check the endpoint, the clock and AWS_CA_BUNDLE. {RESUMES}",
    ),
    exceptions.ProxyConnectionError: ErrorEntry(
        ApiUnavailable, "The proxy cannot be reached.", f"Check HTTPS_PROXY and NO_PROXY. {RESUMES}"
    ),
    exceptions.NoCredentialsError: NO_CREDENTIALS,
    exceptions.PartialCredentialsError: NO_CREDENTIALS,
    exceptions.CredentialRetrievalError: NO_CREDENTIALS,
    exceptions.MetadataRetrievalError: NO_CREDENTIALS,
    exceptions.NoAuthTokenError: NO_CREDENTIALS,
    exceptions.TokenRetrievalError: NO_CREDENTIALS,
    exceptions.RefreshWithMFAUnsupportedError: NO_CREDENTIALS,
    exceptions.SSOError: NO_CREDENTIALS,
    exceptions.LoginError: NO_CREDENTIALS,
    exceptions.NoRegionError: NO_REGION,
    exceptions.InvalidRegionError: NO_REGION,
    exceptions.EndpointProviderError: NO_REGION,
    exceptions.ParamValidationError: ErrorEntry(
        UnreadableResponse, "The request cannot be made of this picture: {message}"
    ),
    exceptions.BotoCoreError: MISCONFIGURED,
}
