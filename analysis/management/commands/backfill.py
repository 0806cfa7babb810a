"""Fill the columns that a new version added, for pictures added before."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.library import backfills
from analysis.management.interrupts import Interrupt
from analysis.management.translated_command import TranslatedCommand


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Fill new columns of pictures that were added by an earlier version: folders of buckets, camera values, "
        "places. The background worker does the same after an upgrade. Safe to stop with Ctrl-C and to run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--again", action="store_true", help=_("start again with the first picture"))

    def handle(self, *, again: bool, **_options: Any) -> None:
        if again:
            backfills.restart()
        with Interrupt() as interrupt:
            while backfills.fill_window() is not None:
                if interrupt.is_set:
                    self.stdout.write(_("Stopped. Run the same command again to continue."))
                    return
        self.stdout.write(_("All columns are filled."))
