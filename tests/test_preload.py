"""Loading before web processes are forked."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings
from django.template import engines

from imagelib import preload

LOADED = """
import django, sys
django.setup()
from analysis.recognition import registry
from imagelib import preload
preload.load()
assert registry.enabled_apis()
print({"cv2", "onnxruntime"} & sys.modules.keys())
"""


def test_templates_are_compiled_without_the_database():
    """Web processes must not inherit a connection; this test is not allowed any."""
    [partials] = engines["django"].engine.template_loaders
    [loader] = partials.loaders
    loader.reset()
    preload.load()
    assert {"base.html", "labels.html", "includes/stylesheets.html"} <= {
        template.name for template in loader.get_template_cache.values()
    }


def test_web_processes_do_without_the_libraries_of_the_local_recognizer():
    environment = {**os.environ, "RECOGNIZER": "local"}
    command = [sys.executable, "-c", LOADED]
    printed = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, capture_output=True)
    assert printed.stdout == b"set()\n"
