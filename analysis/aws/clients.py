"""Clients of AWS's services, with bounded waits, and their errors as Refused. The only importer of botocore here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.loaders  # noqa: TID251
import botocore.session  # noqa: TID251
from botocore import exceptions, parsers  # noqa: TID251
from botocore.config import Config  # noqa: TID251

from analysis.aws.errors import (
    CREDENTIAL_ERRORS,
    DENIED_CODES,
    SLOW_DOWN_CODES,
    WRONG_REGION_CODES,
    AWSError,
    EndpointUnreachable,
    MissingCredentials,
)

_models = botocore.loaders.create_loader()


def session() -> Any:
    """A session of one's own, for they are not safe between threads; reading AWS's models anew would cost 60 ms."""
    made = botocore.session.Session()
    made.register_component("data_loader", _models)
    return made


def client(service: str, *, region: str, **options: Any) -> Any:
    """A client of a session of its own. Raises Refused where its configuration cannot be used."""
    bounded = {"retries": {"mode": "standard", "total_max_attempts": 2}, "connect_timeout": 3, "read_timeout": 10}
    with translate_errors():
        try:
            config = Config(**{**bounded, "tcp_keepalive": True, **options})
            return session().create_client(service, region_name=region or None, config=config)
        except ValueError as error:  # botocore's "Invalid endpoint: …" has no class of its own
            raise exceptions.InvalidConfigError(error_msg=str(error)) from error


def s3_client(*, region: str, has_endpoint: bool) -> Any:
    """For buckets of any account; S3-compatible servers get path addresses and only the checksums they must have."""
    checksums = "when_required" if has_endpoint else "when_supported"
    return client(
        "s3",
        region=region or "us-east-1",
        retries={"mode": "standard", "total_max_attempts": 4},
        read_timeout=30,
        max_pool_connections=32,
        signature_version="s3v4",
        s3={"addressing_style": "path" if has_endpoint else "virtual"},
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
    )


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turns what boto3 raises into Refused, NoCredentials or Unreachable."""
    try:
        yield
    except exceptions.ClientError as error:
        raise _answered(error) from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        sentence = "There are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give a role."
        raise MissingCredentials(sentence, code=type(error).__name__) from error
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        raise EndpointUnreachable(f"It cannot be reached: {error}.", code=type(error).__name__) from error
    except (exceptions.CredentialRetrievalError, exceptions.SSOError, exceptions.LoginError) as error:
        raise MissingCredentials(f"{error}.", code=type(error).__name__) from error
    except (exceptions.BotoCoreError, parsers.ResponseParserError) as error:
        raise AWSError(f"{error}.", code=type(error).__name__) from error


def _answered(error: exceptions.ClientError) -> AWSError:
    said = error.response.get("Error", {})
    code = str(said.get("Code", "")) or "Unknown"
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = str(headers.get("x-amz-bucket-region", "") or said.get("Region", ""))
    if code in CREDENTIAL_ERRORS:
        return MissingCredentials(
            f"AWS does not accept the credentials ({code}): renew them, check the clock.", code=code
        )
    if code in DENIED_CODES:  # AWS's message names the account and the principal
        return AWSError(f"{error.operation_name} is not allowed ({code}).", code=code, region=region)
    if code in WRONG_REGION_CODES:
        where = region or "another region"
        return AWSError(f"It lies in {where} ({code}): set its region.", code=code, region=region)
    if code in SLOW_DOWN_CODES:
        return AWSError(f"It asks for patience ({code}): try again in a moment.", code=code, region=region)
    return AWSError(f"{code}: {str(said.get('Message', '')).rstrip('.') or 'no message'}.", code=code, region=region)
