"""What a service of AWS did instead of what it was asked."""

from __future__ import annotations

from analysis.aws.endpoint_names import without_credentials

CREDENTIAL_ERRORS = frozenset(
    {
        *("ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId"),
        *("InvalidSignatureException", "MissingAuthenticationToken", "RequestExpired", "RequestTimeTooSkewed"),
        *("SignatureDoesNotMatch", "UnrecognizedClientException"),
    }
)
ABSENT = frozenset(
    {
        *("404", "NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NoSuchVersion", "MethodNotAllowed", "405"),
        *("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
    }
)
"""MethodNotAllowed is what a delete marker answers to whoever asks for its version."""
SLOW_DOWN_CODES = frozenset(
    {
        *("503", "SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded"),
        *("RequestThrottled", "TooManyRequestsException"),
    }
)
DENIED_CODES = frozenset({"403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden"})
WRONG_REGION_CODES = frozenset(
    {"301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}
)
"""The bucket lies in another region than the one that was asked."""


class AWSError(Exception):
    """A service did not do what it was asked; `code` is AWS's.

    str() is a sentence without account, principal, or the credentials that an endpoint's address may have.
    """

    def __init__(self, reason: str, *, code: str, region: str = "") -> None:
        super().__init__(without_credentials(reason))
        self.code = code
        self.region = region

    @property
    def is_denied(self) -> bool:
        """An IAM action is missing."""
        return self.code in DENIED_CODES

    @property
    def is_absent(self) -> bool:
        """There is no such thing."""
        return self.code in ABSENT

    @property
    def is_slow_down(self) -> bool:
        """Nothing is wrong but the pace."""
        return self.code in SLOW_DOWN_CODES


class MissingCredentials(AWSError):
    """There are none, or AWS does not accept them: nothing else will work either."""


class EndpointUnreachable(AWSError):
    """The service was not reached: network, region or address."""
