"""Rekognition's errors: code, message and HTTP status."""

from __future__ import annotations

import json
from typing import Final

STATUS: Final = {
    "InternalServerError": 500,
    "ServiceUnavailableException": 503,
    "BadGateway": 502,
    "GatewayTimeout": 504,
}  # 400 for all others

THROTTLES: Final = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException"})

CREDENTIALS: Final = (
    "AccessDeniedException",
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "InvalidSignatureException",
)

# Messages as quoted on AWS's page "Error handling" and in users' reports.
MESSAGES: Final = {
    "AccessDeniedException": "User: arn:aws:iam::123456789012:user/simulated is not authorized to perform: "
    "rekognition:{operation} because no identity-based policy allows the rekognition:{operation} action",
    "ExpiredTokenException": "The security token included in the request is expired",
    "ImageTooLargeException": "Request image size is too large.",
    "InternalServerError": "Internal server error.",
    "InvalidImageFormatException": "Request has invalid image format",
    "InvalidParameterException": "Request has Invalid Parameters",
    "InvalidS3ObjectException": "Unable to get object metadata from S3. "
    "Check object key, region and/or access permissions.",
    "InvalidSignatureException": "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    "MissingAuthenticationTokenException": "Missing Authentication Token",
    "ProvisionedThroughputExceededException": "Provisioned rate exceeded",
    "ThrottlingException": "Slow down; sudden increase in rate of requests.",
    "UnrecognizedClientException": "The security token included in the request is invalid.",
}


class RequestRefused(Exception):
    """The request gets an error as its response."""

    def __init__(self, code: str, message: str = "", *, status: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status or STATUS.get(code, 400)

    def body(self, *, operation: str, request_id: str) -> bytes:
        """The documented JSON body: the code twice, the request id and a message."""
        message = self.message or MESSAGES.get(self.code, f"Simulated {self.code}.").format(operation=operation)
        content = {"__type": self.code, "Code": self.code, "Logref": request_id, "Message": message}
        return json.dumps(content).encode()
