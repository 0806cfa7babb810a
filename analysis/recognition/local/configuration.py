"""Where the local recognizer's models are, and which to use.

Set once by each process from Django's settings (`registry.configure_local`), since nothing here imports Django.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Configuration:
    """Where the models are.

    `folder`: of those that imagelib prepares. The others name a person's own, or are None.
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
