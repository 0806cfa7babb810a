"""Downloads of pictures in S3 that requests refer to."""

from __future__ import annotations

import threading
from typing import Any

from imagelib.simulator.errors import RequestRefused
from imagelib.simulator.picture import MAX_BYTES_IN_S3, Picture, from_bytes

_lock = threading.Lock()
_clients: dict[str, Any] = {}


def fetch(reference: dict[str, str], *, endpoint: str) -> Picture:
    """Download and read a picture (blocking). Raises RequestRefused."""
    # Imported here, since it takes a fifth of a second and most simulators never fetch.
    from botocore.exceptions import BotoCoreError, ClientError

    version = {"VersionId": reference["Version"]} if "Version" in reference else {}
    try:
        response = _client(endpoint).get_object(Bucket=reference["Bucket"], Key=reference["Name"], **version)
        with response["Body"] as stream:
            if response["ContentLength"] > MAX_BYTES_IN_S3:
                raise RequestRefused("ImageTooLargeException")
            return from_bytes(stream.read())
    except (BotoCoreError, ClientError) as error:
        raise RequestRefused("InvalidS3ObjectException") from error


def _client(endpoint: str) -> Any:
    """S3 client with the environment's credentials, or unsigned without any."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    with _lock:
        if endpoint not in _clients:
            session = boto3.session.Session()
            signature = {} if session.get_credentials() else {"signature_version": UNSIGNED}
            config = Config(
                s3={"addressing_style": "path"},
                connect_timeout=3,
                read_timeout=20,
                max_pool_connections=16,
                **signature,
            )
            region = session.region_name or "us-east-1"
            _clients[endpoint] = session.client("s3", endpoint_url=endpoint or None, region_name=region, config=config)
        return _clients[endpoint]
