"""What a service of AWS did instead of what it was asked."""

from __future__ import annotations

CREDENTIALS = frozenset(
    {
        *("ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId"),
        *("InvalidSignatureException", "MissingAuthenticationToken", "RequestExpired", "RequestTimeTooSkewed"),
        *("SignatureDoesNotMatch", "UnrecognizedClientException"),
    }
)
DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden"})


class Refused(Exception):
    """A service did not do what it was asked; str() is a sentence without account or principal. `code` is AWS's."""

    def __init__(self, reason: str, *, code: str, region: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.region = region

    @property
    def is_denied(self) -> bool:
        """An IAM action is missing."""
        return self.code in DENIED


class NoCredentials(Refused):
    """There are none, or AWS does not accept them: nothing else will work either."""


class Unreachable(Refused):
    """The service was not reached: network, region or address."""
