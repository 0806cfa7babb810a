"""Reads the result of an attempt: was the request lost, did the API respond."""

from __future__ import annotations

from analysis.messages import gettext_noop
from analysis.models import Image
from analysis.recognition.base import ApiUnavailable, RequestFailed, Throttled, UnreadableResponse
from analysis.recognition.save_results import AttemptResult
from analysis.storage import renditions

# Codes with which an original is rejected although a rendition of it may be accepted. The row keeps the last code, so
# the next attempt sends a rendition.
RETRY_CONVERTED = frozenset({"InvalidImageFormatException", "ImageTooLargeException"})


def request_size(image: Image) -> int:
    """Estimated bytes of the payload before it is prepared."""
    return min(image.size, renditions.MAX_BYTES)


def lost_request(result: AttemptResult) -> Throttled | None:
    """The error of a request that was sent and got no response, else None."""
    error = result.error
    return error if isinstance(error, Throttled) and error.outcome == "unknown" else None


def api_responded(result: AttemptResult) -> bool:
    """True if the API returned a result, rejected the picture or throttled."""
    is_about_picture = isinstance(result.error, UnreadableResponse) or (
        getattr(result.error, "code", "") in RETRY_CONVERTED
    )
    is_rejection = is_about_picture and result.outcome is not None
    return result.response is not None or is_rejection or result.outcome == "throttled"


def unsent(error: ApiUnavailable) -> ApiUnavailable:
    """The error for requests that are not sent during an outage."""
    return ApiUnavailable(error.reason, api=error.api, code=error.code, next_step=error.next_step, values=error.values)


def retry_converted(error: RequestFailed) -> Throttled:
    """The error for an original that is sent again as a rendition."""
    return Throttled(
        error.reason,
        api=error.api,
        code=error.code,
        next_step=gettext_noop("A converted copy will be sent next."),
        outcome=error.outcome,
        request_id=error.request_id,
        values=error.values,
    )
