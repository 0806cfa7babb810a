"""What the end of one attempt says about its picture and its API."""

from __future__ import annotations

from django.utils.translation import gettext as _

from analysis.models import Image
from analysis.recognition.base import ApiUnavailable, RequestFailed, Throttled, UnreadableResponse
from analysis.recognition.save_results import AttemptResult
from analysis.storage import renditions

REFUSED_AS_IS = frozenset({"InvalidImageFormatException", "ImageTooLargeException"})
"""Codes by which an original is refused that a rendition of it may be spared; the row keeps the last one."""


def size(image: Image) -> int:
    """Bytes that its request carries, as far as one knows before it is made."""
    return min(image.size, renditions.MOST_BYTES)


def loss(each: AttemptResult) -> Throttled | None:
    """The error of a request that was sent and brought no answer."""
    return each.error if isinstance(each.error, Throttled) and each.error.outcome == "unknown" else None


def was_let_in(each: AttemptResult) -> bool:
    """The API spoke to us, be it that it refused this picture or asked for patience."""
    is_about_picture = isinstance(each.error, UnreadableResponse) or getattr(each.error, "code", "") in REFUSED_AS_IS
    has_refused = is_about_picture and each.outcome is not None
    return each.answer is not None or has_refused or each.outcome == "throttled"


def unsent(error: ApiUnavailable) -> ApiUnavailable:
    """The same of a request that was not sent, since the API rests."""
    return ApiUnavailable(error.reason, api=error.api, code=error.code, next_step=error.next_step)


def to_be_converted(error: RequestFailed) -> Throttled:
    """Rekognition reads fewer kinds of JPEG and PNG than imagelib does: what we make of the picture it can read."""
    return Throttled(
        error.reason,
        api=error.api,
        code=error.code,
        next_step=_("A converted copy is sent next."),
        outcome=error.outcome,
        request_id=error.request_id,
    )
