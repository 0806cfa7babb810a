"""Pictures that a request names in S3, fetched from an endpoint."""

from __future__ import annotations

import threading
from typing import Any

from imagelib.simulator.errors import RequestRefused
from imagelib.simulator.picture import MOST_BYTES_IN_S3, Picture, measured

_making = threading.Lock()
_clients: dict[str, Any] = {}


def fetched(reference: dict[str, str], *, endpoint: str) -> Picture:
    """Waits for S3: for a thread of its own. Raises Refused."""
    # Here, because most simulators never fetch and botocore's exceptions with boto3 take a fifth of a second.
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415, TID251

    version = {"VersionId": reference["Version"]} if "Version" in reference else {}
    try:
        found = _client(endpoint).get_object(Bucket=reference["Bucket"], Key=reference["Name"], **version)
        with found["Body"] as stream:
            if found["ContentLength"] > MOST_BYTES_IN_S3:
                raise RequestRefused("ImageTooLargeException")
            return measured(stream.read())
    except (BotoCoreError, ClientError) as error:
        raise RequestRefused("InvalidS3ObjectException") from error


def _client(endpoint: str) -> Any:
    """With the credentials of the environment; without any, unsigned."""
    import boto3  # noqa: PLC0415, TID251
    from botocore import UNSIGNED  # noqa: PLC0415, TID251
    from botocore.config import Config  # noqa: PLC0415, TID251

    with _making:
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
