"""Tests that need a model which only npm can bring."""

from __future__ import annotations

import pytest

from analysis.recognition.local.prepared_models import DETECTOR

needs_detector = pytest.mark.skipif(
    DETECTOR.record() is None, reason="the object detector is not prepared; run manage.py prepare_models"
)
