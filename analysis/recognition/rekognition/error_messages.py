"""Classifies the errors of Rekognition and botocore, with messages for staff.

The sentences are shown to staff: what happened, then what to do. They are %-templates for gettext, so each is one
literal; %(operation)s is the IAM action's name and %(message)s the message of AWS or botocore.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from botocore import exceptions, parsers

from analysis.messages import gettext_noop as _
from analysis.recognition.base import ApiUnavailable, Outcome, RequestFailed, Throttled, UnreadableResponse


@dataclass(frozen=True)
class ErrorEntry:
    """One kind of error.

    `outcome`: of the request in the ledger; None if nothing was sent.
    """

    error_class: type[RequestFailed]
    reason: str
    next_step: str = ""
    outcome: Outcome | None = None


RETRIED = _("It will be retried automatically.")
CHECK_ENDPOINT = _("Check the network, AWS_REGION and AWS_ENDPOINT_URL_REKOGNITION. Work resumes automatically.")
RENEW_CREDENTIALS = _("Renew them and check this machine's clock. Work resumes automatically.")

# --- Error responses --------------------------------------------------------------------------------------------------

THROTTLED = ErrorEntry(Throttled, _("The account's Rekognition quota was exceeded."), RETRIED, "throttled")
SERVER_ERROR = ErrorEntry(Throttled, _("Rekognition returned a server error."), RETRIED, "failed")
BAD_CREDENTIALS = ErrorEntry(ApiUnavailable, _("AWS does not accept the credentials."), RENEW_CREDENTIALS, "failed")
WRONG_CLOCK = ErrorEntry(
    ApiUnavailable,
    _("AWS rejected the request because this machine's clock is wrong."),
    _("Synchronize it, for example with chrony. Work resumes automatically."),
    "failed",
)
ACCESS_DENIED = ErrorEntry(
    ApiUnavailable,
    _("AWS denied access."),
    _("Allow the IAM action rekognition:%(operation)s. Work resumes automatically."),
    "failed",
)
REJECTED = ErrorEntry(
    UnreadableResponse, _("Rekognition rejected the picture or the parameters: %(message)s"), outcome="failed"
)
UNLISTED = ErrorEntry(
    UnreadableResponse,
    _("Rekognition rejected the picture or the parameters with an unknown error."),
    _("See the worker log for the message from AWS."),
    "failed",
)
NOT_REKOGNITION = ErrorEntry(
    ApiUnavailable,
    _("The endpoint is not Rekognition, but probably a proxy or a sign-in page."),
    CHECK_ENDPOINT,
    "failed",
)
UNKNOWN_OPERATION = ErrorEntry(
    ApiUnavailable,
    _("This endpoint or region does not offer rekognition:%(operation)s."),
    _("Check AWS_REGION and AWS_ENDPOINT_URL_REKOGNITION. Work resumes automatically."),
    "failed",
)

# The only status of a proxy that concerns the picture and not the endpoint.
TOO_LARGE = 413

ERROR_CODES: Final[Mapping[str, ErrorEntry]] = {
    "ProvisionedThroughputExceededException": THROTTLED,
    "ThrottlingException": THROTTLED,
    "Throttling": THROTTLED,
    "TooManyRequestsException": THROTTLED,
    "RequestLimitExceeded": THROTTLED,
    "SlowDown": THROTTLED,
    "LimitExceededException": THROTTLED,
    "HumanLoopQuotaExceededException": THROTTLED,
    "InternalServerError": SERVER_ERROR,
    "InternalFailure": SERVER_ERROR,
    "ServiceUnavailable": SERVER_ERROR,
    "ServiceUnavailableException": SERVER_ERROR,
    "RequestTimeout": SERVER_ERROR,
    "RequestTimeoutException": SERVER_ERROR,
    "InvalidImageFormatException": ErrorEntry(
        UnreadableResponse, _("Rekognition cannot read this picture's format."), outcome="failed"
    ),
    "ImageTooLargeException": ErrorEntry(
        UnreadableResponse, _("The picture is too large for Rekognition."), outcome="failed"
    ),
    "InvalidParameterException": REJECTED,
    "ValidationException": REJECTED,
    "InvalidS3ObjectException": ErrorEntry(
        UnreadableResponse,
        # Rekognition has one code for all three causes.
        _("Rekognition cannot read the object in S3: it was deleted, is in another region, or access was denied."),
        _("Check the key, the bucket's region and the permission s3:GetObject."),
        "failed",
    ),
    "AccessDeniedException": ACCESS_DENIED,
    "AccessDenied": ACCESS_DENIED,
    "NotAuthorized": ACCESS_DENIED,
    "UnrecognizedClientException": BAD_CREDENTIALS,
    "InvalidClientTokenId": BAD_CREDENTIALS,
    "InvalidAccessKeyId": BAD_CREDENTIALS,
    "ExpiredTokenException": BAD_CREDENTIALS,
    "ExpiredToken": BAD_CREDENTIALS,
    "InvalidSignatureException": BAD_CREDENTIALS,
    "SignatureDoesNotMatch": BAD_CREDENTIALS,
    "IncompleteSignature": BAD_CREDENTIALS,
    "IncompleteSignatureException": BAD_CREDENTIALS,
    "MissingAuthenticationToken": BAD_CREDENTIALS,
    "MissingAuthenticationTokenException": BAD_CREDENTIALS,
    "RequestTimeTooSkewed": WRONG_CLOCK,
    "RequestExpired": WRONG_CLOCK,
    "OptInRequired": ErrorEntry(
        ApiUnavailable,
        _("Rekognition is not enabled in this region for this AWS account."),
        _("Enable it. Work resumes automatically."),
        "failed",
    ),
    "SubscriptionRequiredException": ErrorEntry(
        ApiUnavailable,
        _("This AWS account is not subscribed to Rekognition."),
        _("Subscribe to it. Work resumes automatically."),
        "failed",
    ),
    "UnknownOperationException": UNKNOWN_OPERATION,
    "ResourceNotFoundException": ErrorEntry(
        ApiUnavailable,
        _("The adapter or resource does not exist."),
        _("Check its name. Work resumes automatically."),
        "failed",
    ),
    "ResourceNotReadyException": ErrorEntry(
        ApiUnavailable, _("The adapter is not running."), _("Start it. Work resumes automatically."), "failed"
    ),
}


def by_status(status: int, *, is_named: bool = True) -> ErrorEntry:
    """The entry for a code that is not listed above, by HTTP status.

    AWS names every error; a response without a name (not `is_named`) comes from a proxy or a sign-in page.
    """
    if status >= 500:
        return SERVER_ERROR
    if status == 429:
        return THROTTLED
    if 0 < status < 400 or not (is_named or status == TOO_LARGE):
        return NOT_REKOGNITION
    if status in {401, 403}:
        return ACCESS_DENIED
    return UNKNOWN_OPERATION if status == 404 else UNLISTED


# HTTP 200 without a result: error code and entry. The codes are stored with analyses and calls, so they stay.
INVALID_RESPONSES: Final[Mapping[str, tuple[str, ErrorEntry]]] = {
    "incomplete": ("AnswerCutShort", ErrorEntry(Throttled, _("The response was incomplete."), RETRIED, "unknown")),
    "not-rekognition": ("NotRekognition", NOT_REKOGNITION),
    "unreadable": (
        "UnreadableAnswer",
        ErrorEntry(
            UnreadableResponse,
            _("The response cannot be read: it is nested too deeply or is not valid JSON."),
            outcome="unknown",
        ),
    ),
}

# --- No response: without an outcome nothing was sent -----------------------------------------------------------------

CONNECTION_LOST = ErrorEntry(Throttled, _("The connection to Rekognition was lost."), RETRIED, "unknown")
NO_CREDENTIALS = ErrorEntry(
    ApiUnavailable,
    _("No usable AWS credentials were found."),
    _("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine an IAM role. Work resumes automatically."),
)
NO_ROLE = ErrorEntry(
    ApiUnavailable,
    _("AWS did not issue credentials for the role: %(message)s"),
    _("Check the role's name and trust policy. Work resumes automatically."),
)
NO_REGION = ErrorEntry(
    ApiUnavailable, _("No valid AWS region is set."), _("Set AWS_REGION. Work resumes automatically.")
)
INVALID_CONFIG = ErrorEntry(
    ApiUnavailable,
    _("The configuration of the AWS client is invalid."),
    _("Correct it; the worker log has the details. Work resumes automatically."),
)
HOST_NOT_FOUND = ErrorEntry(ApiUnavailable, _("The endpoint's host name cannot be resolved."), CHECK_ENDPOINT)
CONNECTION_REFUSED = ErrorEntry(ApiUnavailable, _("The endpoint does not accept connections."), CHECK_ENDPOINT)

# Looked up by the exception's class, then by its base classes in order.
CONNECTION_ERRORS: Final[Mapping[type[Exception], ErrorEntry]] = {
    exceptions.EndpointConnectionError: CONNECTION_REFUSED,
    exceptions.ConnectTimeoutError: ErrorEntry(
        ApiUnavailable, _("The connection to the endpoint timed out."), CHECK_ENDPOINT
    ),
    exceptions.ConnectionError: CONNECTION_REFUSED,
    exceptions.ReadTimeoutError: ErrorEntry(Throttled, _("Rekognition did not respond in time."), RETRIED, "unknown"),
    exceptions.ConnectionClosedError: CONNECTION_LOST,
    exceptions.ResponseStreamingError: CONNECTION_LOST,
    exceptions.IncompleteReadError: CONNECTION_LOST,
    exceptions.HTTPClientError: CONNECTION_LOST,
    parsers.ResponseParserError: ErrorEntry(
        Throttled, _("The response was incomplete or did not come from Rekognition."), RETRIED, "unknown"
    ),
    exceptions.CapacityNotAvailableError: ErrorEntry(Throttled, _("The AWS client postponed the request."), RETRIED),
    exceptions.SSLError: ErrorEntry(
        ApiUnavailable,
        _("The endpoint's TLS certificate cannot be verified."),
        _("Check the endpoint, this machine's clock and AWS_CA_BUNDLE. Work resumes automatically."),
    ),
    exceptions.ProxyConnectionError: ErrorEntry(
        ApiUnavailable,
        _("The proxy cannot be reached."),
        _("Check HTTPS_PROXY and NO_PROXY. Work resumes automatically."),
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
        UnreadableResponse, _("The request could not be built from this picture: %(message)s")
    ),
    exceptions.BotoCoreError: INVALID_CONFIG,
}
