"""Creates boto3 clients with bounded waits, and translates errors to AWSError.

The only module of analysis.aws that imports botocore.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import botocore.loaders
import botocore.session
from botocore import credentials, exceptions, parsers
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from analysis.aws.errors import (
    CREDENTIAL_ERRORS,
    DENIED_CODES,
    SLOW_DOWN_CODES,
    WRONG_REGION_CODES,
    AWSError,
    EndpointUnreachable,
    MissingCredentials,
    RoleRefused,
    is_clock_wrong,
)
from analysis.aws.object_refs import AssumedRole
from analysis.messages import gettext_noop

ROLE_SESSION = "imagelib"
"""Name of a role's sessions, in the other account's CloudTrail."""
_BOUNDED: dict[str, Any] = {
    # All explicit: botocore would wait a minute to connect and a minute for each response, and boto3 1.44 changed the
    # default retry mode.
    "retries": {"mode": "standard", "total_max_attempts": 2},
    "connect_timeout": 3,
    "read_timeout": 10,
}
_models = botocore.loaders.create_loader()


def session() -> Any:
    """A new session, since sessions are not thread-safe."""
    new = botocore.session.Session()
    # Shared, since parsing AWS's service models takes 60 ms.
    new.register_component("data_loader", _models)
    return new


class RawResponse(NamedTuple):
    """A response to `send`; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]


class _RoleProvider:
    """botocore credential provider of a role, assumed at its first use."""

    METHOD = "assume-role"

    def __init__(self, fetch: Callable[[], Any]) -> None:
        self._fetch = fetch

    def load(self) -> Any:
        return credentials.DeferredRefreshableCredentials(refresh_using=self._fetch, method=self.METHOD)


def role_session(role: AssumedRole, *, region: str) -> Any:
    """A session with a role's credentials.

    Raises botocore's NoCredentialsError if there are none to assume the role with.
    """
    own = session()
    source = own.get_credentials()
    if source is None:
        raise exceptions.NoCredentialsError
    fetcher = credentials.AssumeRoleCredentialFetcher(
        partial(own.create_client, region_name=region or "us-east-1", config=Config(**_BOUNDED)),
        source,
        role.arn,
        extra_args={"ExternalId": role.external_id, "RoleSessionName": ROLE_SESSION},
    )
    assumed = session()
    resolver = credentials.CredentialResolver([_RoleProvider(fetcher.fetch_credentials)])
    assumed.register_component("credential_provider", resolver)
    return assumed


def client(service: str, *, region: str, role: AssumedRole | None = None, **options: Any) -> Any:
    """A client with its own session.

    Raises AWSError for an invalid configuration.
    """
    with translate_errors():
        try:
            config = Config(**{**_BOUNDED, "tcp_keepalive": True, **options})
            new = role_session(role, region=region) if role else session()
            return new.create_client(service, region_name=region or None, config=config)
        except ValueError as error:  # botocore raises a plain ValueError for "Invalid endpoint: …"
            raise exceptions.InvalidConfigError(error_msg=str(error)) from error


def s3_client(*, region: str, has_endpoint: bool, role: AssumedRole | None = None, **options: Any) -> Any:
    """A client for buckets of any account."""
    # S3-compatible servers get path-style URLs and only required checksums, since many reject the newer ones.
    checksums = "when_required" if has_endpoint else "when_supported"
    defaults = {
        "retries": {"mode": "standard", "total_max_attempts": 4},
        "read_timeout": 30,
        "max_pool_connections": 32,
        # Without these two, botocore may sign in the old way that newer regions reject, or use the global host, whose
        # redirect fails the CORS check of a browser.
        "signature_version": "s3v4",
        "s3": {"addressing_style": "path" if has_endpoint else "virtual"},
        "request_checksum_calculation": checksums,
        "response_checksum_validation": checksums,
    }
    return client("s3", region=region or "us-east-1", role=role, **{**defaults, **options})


def send(method: str, url: str, headers: Mapping[str, str]) -> RawResponse:
    """Send a request without credentials. Raises botocore's errors."""
    request = AWSRequest(method=method, url=url, headers=headers).prepare()
    timeouts = (_BOUNDED["connect_timeout"], _BOUNDED["read_timeout"])
    # botocore's session, so that the proxies and certificates of other requests apply.
    response = URLLib3Session(timeout=timeouts, proxies=get_environ_proxies(url)).send(request)
    return RawResponse(response.status_code, {name.lower(): value for name, value in response.headers.items()})


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise boto3's errors as AWSError, MissingCredentials or EndpointUnreachable."""
    try:
        yield
    except exceptions.ClientError as error:
        raise _from_response(error) from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        template = gettext_noop(
            "No AWS credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or attach a role."
        )
        raise MissingCredentials(template, code=type(error).__name__) from error
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        template = gettext_noop("The service cannot be reached: %(error)s.")
        raise EndpointUnreachable(template, code=type(error).__name__, error=str(error)) from error
    except (exceptions.CredentialRetrievalError, exceptions.SSOError, exceptions.LoginError) as error:
        raise MissingCredentials("%(error)s.", code=type(error).__name__, error=str(error)) from error
    except (exceptions.BotoCoreError, parsers.ResponseParserError) as error:
        raise AWSError("%(error)s.", code=type(error).__name__, error=str(error)) from error


def _from_response(error: exceptions.ClientError) -> AWSError:
    details = error.response.get("Error", {})
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = str(headers.get("x-amz-bucket-region", "") or details.get("Region", ""))
    return error_of(
        str(details.get("Code", "")),
        message=str(details.get("Message", "")),
        operation=error.operation_name,
        region=region,
    )


def error_of(code: str, *, message: str, operation: str, region: str = "") -> AWSError:
    """The error for a code and message of AWS, as in the response to a batch."""
    code = code or "Unknown"
    values = {"code": code, "region": region}
    if code in CREDENTIAL_ERRORS:
        template = gettext_noop("AWS rejects the credentials (%(error_code)s). Renew them, and check the clock.")
        if is_clock_wrong(code, message):
            template = gettext_noop("AWS rejects requests because this machine's clock is wrong (%(error_code)s).")
        return MissingCredentials(template, code=code, error_code=code)
    if code in DENIED_CODES and operation == "AssumeRole":
        return _role_refused(code, message)
    if code in DENIED_CODES:  # AWS's own message would reveal account and principal
        template = gettext_noop("%(operation)s is not allowed (%(error_code)s).")
        return AWSError(template, **values, operation=operation, error_code=code)
    if code in WRONG_REGION_CODES:
        template = gettext_noop("The bucket is in %(bucket_region)s (%(error_code)s). Set its region.")
        if not region:
            template = gettext_noop("The bucket is in another region (%(error_code)s). Set its region.")
        return AWSError(template, **values, bucket_region=region, error_code=code)
    if code in SLOW_DOWN_CODES:
        template = gettext_noop("AWS is throttling requests (%(error_code)s). Try again in a moment.")
        return AWSError(template, **values, error_code=code)
    sentence = message.rstrip(".") or "no message"
    return AWSError("%(error_code)s: %(message)s.", **values, error_code=code, message=sentence)


def _role_refused(code: str, message: str) -> RoleRefused:
    # Only within one account does AWS name the policy at fault.
    lacks_own_permission = "identity-based policy" in message
    template = gettext_noop(
        "The bucket's role cannot be assumed (%(error_code)s). Its trust policy has to allow imagelib's account with"
        " the bucket's external ID, and imagelib needs sts:AssumeRole on the role."
    )
    if lacks_own_permission:
        template = gettext_noop("imagelib is not allowed to assume the bucket's role (%(error_code)s).")
    error = RoleRefused(template, code=code, error_code=code)
    error.lacks_own_permission = lacks_own_permission
    return error
