"""XMP sidecars that are sent together with a file."""

from __future__ import annotations

from django.utils.translation import gettext as _

from analysis.api.errors import ApiError
from analysis.ingest.xmp import XmpMetadata, parse_packet


def sidecar_metadata(content: bytes) -> XmpMetadata:
    """Raises ApiError for a sidecar without metadata."""
    metadata = parse_packet(content)
    if metadata == XmpMetadata():
        message = _("The sidecar cannot be read: it is not XMP, is too large or is empty.")
        raise ApiError(422, message, field="sidecar")
    return metadata
