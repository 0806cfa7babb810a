"""The models of the local recognizer, prepared by one command."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from analysis.recognition import registry
from analysis.recognition.local import prepared_models


@pytest.fixture
def run(settings, tmp_path, monkeypatch):
    """Runs the command with models in a new folder and nothing on the path."""
    settings.LOCAL_MODELS = tmp_path / "models"
    monkeypatch.setenv("PATH", str(tmp_path))
    registry.configure_local()

    def run_command(*arguments: str) -> tuple[int, str, str]:
        out, err = StringIO(), StringIO()
        try:
            call_command("prepare_models", *arguments, stdout=out, stderr=err, no_color=True)
        except SystemExit as end:
            return int(end.code), out.getvalue(), err.getvalue()
        return 0, out.getvalue(), err.getvalue()

    return run_command


WITHOUT_NPM = (
    "No model for objects and their boxes, faces seen from the side: npm, which fetches it, is not installed. Install "
    "Node.js, then run `manage.py prepare_models`.\n"
)


def test_without_npm_the_other_model_is_prepared(run):
    assert run() == (0, "Prepared the model for labels of whole pictures.\n", WITHOUT_NPM)
    assert prepared_models.CLASSIFIER.is_whole()
    assert run() == (0, "", WITHOUT_NPM)


def test_strict_command_fails_if_a_model_is_missing(run):
    assert run("--strict")[0] == 1
