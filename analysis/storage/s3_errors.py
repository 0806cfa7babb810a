"""Converts errors of S3 to OSError, with the operation and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from analysis.aws.errors import CREDENTIAL_ERRORS, DENIED_CODES, SLOW_DOWN_CODES, WRONG_REGION_CODES
from analysis.aws.url_credentials import redact_url_credentials

ABSENT_CODES = frozenset({"NoSuchKey", "NoSuchUpload", "404"})
NEXT_STEPS = {
    DENIED_CODES: gettext_noop("run manage.py check_aws to find the missing permission"),
    CREDENTIAL_ERRORS: gettext_noop("renew the credentials, and check the clock"),
    WRONG_REGION_CODES: gettext_noop("set AWS_REGION to the bucket's region"),
    SLOW_DOWN_CODES: gettext_noop("S3 is throttling requests, try again in a moment"),
    frozenset({"NoSuchBucket"}): gettext_noop("correct AWS_STORAGE_BUCKET_NAME, or create the bucket"),
}


@contextmanager
def as_oserror(bucket: str) -> Iterator[None]:
    """Raise boto3's errors as OSError, or FileNotFoundError for a missing object."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        # HEAD has no body, so botocore only knows the status: "404" instead of "NoSuchKey".
        kind = FileNotFoundError if code in ABSENT_CODES else OSError
        raise kind(_describe(error, bucket)) from error
    except NoCredentialsError as error:
        sentence = _(
            "S3: no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or attach a role"
        )
        raise OSError(sentence) from error
    except (BotoCoreError, S3UploadFailedError) as error:
        raise OSError(f"S3: {redact_url_credentials(str(error))}") from error


def _describe(error: ClientError, bucket: str) -> str:
    """The failed operation and what to do.

    AWS's own message is included only if it names no principal.
    """
    details = error.response.get("Error", {})
    code = details.get("Code")
    next_step = next((_(text) for codes, text in NEXT_STEPS.items() if code in codes), "")
    failure = _("S3 %(operation)s in the bucket %(bucket)s: %(code)s") % {
        "operation": error.operation_name,
        "bucket": bucket,
        "code": code,
    }
    return f"{failure}; {next_step}" if next_step else f"{failure}: {details.get('Message')}"
