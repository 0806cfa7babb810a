"""Presigned URLs for S3 and CloudFront, constant for half of their lifetime.

boto3 signs each URL with the current second, so that browsers would never find a thumbnail in their cache, and a page
of 60 images would take 14 ms. Here the time is rounded down, with an offset by key, so that not all URLs change at
once.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from botocore.credentials import ReadOnlyCredentials
from botocore.signers import CloudFrontSigner

MAX_SECONDS = 7 * 86_400  # the limit of Signature Version 4
DOWNLOAD_SECONDS = 900
"""Seconds within which the download of an original has to start."""


def signed_at(key: str, *, seconds: int, now: float) -> int:
    """The signing time of a URL.

    Constant for half of the lifetime, so at least the other half is left.
    """
    half = max(seconds // 2, 1)
    # Shifted by key, so that not all URLs, and with them the browsers' caches, expire at the same moment.
    offset = zlib.crc32(key.encode()) % half
    return (int(now) - offset) // half * half + offset


def presign(
    url: str,
    *,
    credentials: ReadOnlyCredentials,
    region: str,
    seconds: int,
    when: int,
    overrides: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """An S3 URL for GET, signed by Signature Version 4 in the query.

    Source: AWS, "Authenticating Requests: Using Query Parameters".

    `overrides`: further parameters, such as response-content-disposition.
    """
    at = datetime.fromtimestamp(when, UTC)
    stamp, day = f"{at:%Y%m%dT%H%M%SZ}", f"{at:%Y%m%d}"
    scope = f"{day}/{region}/s3/aws4_request"
    params = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
        **overrides,
    }
    # For temporary credentials, such as a role's. If they expire before the URL, the URL ends with them.
    if credentials.token:
        params["X-Amz-Security-Token"] = credentials.token
    # S3 signs the parameters sorted by name, and encoded except for the unreserved characters.
    query = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(params.items()))
    parts = urlsplit(url)
    # The empty line ends the headers (AWS, "Authenticating requests: using query parameters").
    request = f"GET\n{parts.path}\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = _signing_key(credentials.secret_key, day, region)
    signature = _hmac(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}").hex()
    return f"{url}?{query}&X-Amz-Signature={signature}"


# Cached, since the key changes once a day and takes four of the five HMACs of a signature.
@lru_cache(maxsize=4)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


@dataclass(frozen=True)
class Distribution:
    """A CloudFront distribution in front of the bucket.

    Its URLs are signed if it has a key pair.
    """

    domain: str
    key_id: str = ""
    key_file: str = ""
    key: str = field(default="", repr=False)
    """The private key in PEM format, if it is not in a file."""

    def url_of(self, name: str, *, seconds: int) -> str:
        plain = f"https://{self.domain}/{quote(name)}"
        if not self.key_id:
            return plain
        return self._signed(plain, signed_at(name, seconds=seconds, now=time.time()) + seconds)

    @cached_property
    def _signer(self) -> CloudFrontSigner:
        # Imported here, since cryptography is slow to import and few distributions have a key pair.
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        key = serialization.load_pem_private_key(self._pem(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("The key for CloudFront is not an RSA key, which CloudFront's signed URLs require.")
        # CloudFront requires SHA-1 for the signature of canned policies.
        return CloudFrontSigner(self.key_id, lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA1()))  # noqa: S303

    def _pem(self) -> bytes:
        return self.key.encode() if self.key else Path(self.key_file).read_bytes()

    @lru_cache(maxsize=20_000)  # noqa: B019  a millisecond each, and one distribution lives as long as the process
    def _signed(self, plain: str, until: int) -> str:
        return str(self._signer.generate_presigned_url(plain, date_less_than=datetime.fromtimestamp(until, UTC)))
