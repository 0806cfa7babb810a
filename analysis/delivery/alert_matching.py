"""Messages of alerts about changed pictures."""

from __future__ import annotations

from collections.abc import Collection


def match(image_ids: Collection[int]) -> None:
    """Record new matches of the active alerts among these pictures, each once."""
