"""Interprets the result of an attempt: a lost request, a response, a way to retry."""

from __future__ import annotations

from analysis.aws.object_refs import S3Object
from analysis.messages import gettext_noop
from analysis.models import Image
from analysis.recognition.base import ApiUnavailable, RequestFailed, Throttled, UnreadableResponse
from analysis.recognition.save_results import AttemptResult
from analysis.storage import originals, renditions

# Codes of rejected originals of which a rendition may be accepted. The row keeps the last code, so the next attempt
# sends a rendition.
RETRY_CONVERTED = frozenset({"InvalidImageFormatException", "ImageTooLargeException"})
# Rekognition's only code for an object it cannot fetch, such as a version that has expired.
OBJECT_UNREADABLE = "InvalidS3ObjectException"


def request_size(image: Image) -> int:
    """Estimated bytes of the payload before it is prepared."""
    return min(image.size, renditions.MAX_BYTES)


def lost_request(result: AttemptResult) -> Throttled | None:
    """The error of a request that was sent and got no response; otherwise None."""
    error = result.error
    return error if isinstance(error, Throttled) and error.outcome == "unknown" else None


def api_responded(result: AttemptResult) -> bool:
    """True if the API returned a result, rejected the picture or throttled."""
    is_about_picture = isinstance(result.error, UnreadableResponse) or (
        getattr(result.error, "code", "") in RETRY_CONVERTED | {OBJECT_UNREADABLE}
    )
    is_rejection = is_about_picture and result.outcome is not None
    return result.response is not None or is_rejection or result.outcome == "throttled"


def unsent(error: ApiUnavailable) -> ApiUnavailable:
    """The error for requests that are not sent during an outage."""
    return ApiUnavailable(error.reason, api=error.api, code=error.code, next_step=error.next_step, values=error.values)


def retry_in_other_form(
    error: RequestFailed, *, image: Image, picture: bytes | S3Object, as_is: bool
) -> tuple[RequestFailed, str | None]:
    """Turn a rejection into a retry if the image can be sent in another way.

    The other ways are a rendition, or the object's latest version, whose id is returned to be stored. A rejected
    request costs nothing, and neither way is tried twice.
    """
    if error.code in RETRY_CONVERTED and as_is and renditions.is_sent_as_is(image, picture):
        return _retry(error, gettext_noop("A converted copy will be sent next.")), None
    if error.code == OBJECT_UNREADABLE and isinstance(picture, S3Object):
        version_id = originals.replacing_version(image)
        if version_id is not None:
            step = gettext_noop("This version is gone; a newer one with the same content will be sent next.")
            return _retry(error, step), version_id
    return error, None


def _retry(error: RequestFailed, next_step: str) -> Throttled:
    return Throttled(
        error.reason,
        api=error.api,
        code=error.code,
        next_step=next_step,
        outcome=error.outcome,
        request_id=error.request_id,
        values=error.values,
    )
