"""Paths of the local recognizer's models, and which of them to use.

Each process sets them once from Django's settings (`registry.configure_local`), since nothing here imports Django.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Configuration:
    """Paths of the models.

    `folder`: contains the models that imagelib prepares. The others are paths of a user's own models, or None.
    """

    folder: Path | None = None
    detector: Path | None = None
    classifier: Path | None = None
    has_face_traits: bool = False
    has_moderation: bool = False


_current = Configuration()


def current() -> Configuration:
    return _current


def configure(configuration: Configuration) -> None:
    global _current
    _current = configuration
