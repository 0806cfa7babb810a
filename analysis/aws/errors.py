"""Errors of AWS services, by kind."""

from __future__ import annotations

import re
from typing import Any

from analysis.aws.url_credentials import redact_url_credentials
from analysis.messages import MessageError

CREDENTIAL_ERRORS = frozenset(
    {
        *("ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId"),
        *("InvalidSignatureException", "MissingAuthenticationToken", "RequestExpired", "RequestTimeTooSkewed"),
        *("SignatureDoesNotMatch", "UnrecognizedClientException"),
    }
)
CLOCK_CODES = frozenset({"RequestExpired", "RequestTimeTooSkewed"})
CLOCK_MESSAGE = re.compile("Signature (expired|not yet current)")
"""In the message of InvalidSignatureException and SignatureDoesNotMatch, which wrong keys cause as well."""
ABSENT = frozenset(
    {
        *("404", "NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NoSuchVersion", "MethodNotAllowed", "405"),
        *("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFound", "ResourceNotFoundException"),
    }
)
"""MethodNotAllowed is S3's response to GET for the version of a delete marker."""
SLOW_DOWN_CODES = frozenset(
    {
        *("503", "SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded"),
        *("RequestThrottled", "TooManyRequestsException", "Throttled", "ProvisionedThroughputExceededException"),
    }
)
DENIED_CODES = frozenset(
    {
        *("403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError", "Forbidden"),
        *("KMSAccessDenied", "KmsAccessDenied", "KMS.AccessDeniedException"),
    }
)
WRONG_REGION_CODES = frozenset(
    {"301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}
)
"""The bucket is in another region than the endpoint."""


def is_clock_wrong(code: str, message: str) -> bool:
    """True if AWS rejects a request because of this machine's clock."""
    return code in CLOCK_CODES or (code in CREDENTIAL_ERRORS and CLOCK_MESSAGE.search(message) is not None)


class AWSError(MessageError):
    """A failed request to AWS.

    `code`: AWS's error code. `region`: the bucket's, if S3 names it. The message contains no account, no principal and
    no credentials of an endpoint's URL.
    """

    def __init__(self, template: str, *, code: str, region: str = "", **values: Any) -> None:
        redacted = {name: redact_url_credentials(str(value)) for name, value in values.items()}
        super().__init__(redact_url_credentials(template), **redacted)
        self.code = code
        self.region = region

    @property
    def is_denied(self) -> bool:
        """True if an IAM action is not allowed."""
        return self.code in DENIED_CODES

    @property
    def is_absent(self) -> bool:
        """True if the bucket, object, version or queue does not exist."""
        return self.code in ABSENT

    @property
    def is_slow_down(self) -> bool:
        """True if AWS throttles requests."""
        return self.code in SLOW_DOWN_CODES


class MessageRefused(AWSError):
    """A message was rejected for its content, so a retry would fail, too."""


class MissingCredentials(AWSError):
    """No credentials, or rejected ones; every other request would fail, too."""


class RoleRefused(MissingCredentials):
    """A bucket's role cannot be assumed.

    `lacks_own_permission`: according to AWS, sts:AssumeRole is missing, as opposed to the role's trust policy.
    """

    lacks_own_permission = False


class EndpointUnreachable(AWSError):
    """No connection to the service: network, region or endpoint."""
