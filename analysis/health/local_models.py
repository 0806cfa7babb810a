"""Checks the models of the local recognizer."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from analysis.findings import Finding, failed, ok, warning
from analysis.formatting import translated
from analysis.recognition import registry


def check_local_models() -> Iterator[Finding]:
    """Run each model on a gray picture."""
    if settings.RECOGNIZER != "local":
        yield ok("models", _("Not used: RECOGNIZER is %(recognizer)s.") % {"recognizer": settings.RECOGNIZER})
        return
    # Imported here, since OpenCV and onnxruntime take a second and megabytes.
    from analysis.recognition.local import label_models
    from analysis.recognition.local.model_files import ModelUnavailable
    from analysis.recognition.local.sessions import OutOfMemory

    registry.configure_local()
    try:
        label_models.try_models()
    except ModelUnavailable as error:
        yield failed("models", translated(error), _("See docs/local-models.md."))
    except OutOfMemory:
        yield failed("models", _("There is not enough memory to run the models."), _("Give the workers more memory."))
    else:
        yield _complete(label_models.version())


def _complete(version: str) -> Finding:
    from analysis.recognition.local import detector

    if not detector.is_available():
        message = _("The model for objects and their boxes has not been prepared.")
        return warning("models", message, _("Install npm and run `manage.py prepare_models`."))
    return ok("models", _("The models work (%(version)s).") % {"version": version})
