"""Base class of the commands, whose help is translated when it is printed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import BaseCommand
from django.utils.functional import Promise


class TranslatedCommand(BaseCommand):
    """A command with a lazily translated `description`."""

    description: ClassVar[str | Promise]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # As str, since argparse wraps it by a regular expression, which accepts no lazy strings.
        self.help = str(self.description)
