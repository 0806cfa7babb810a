"""Preloading before web processes are forked: URLs, templates, the recognizer."""

from pathlib import Path

from django.conf import settings
from django.template.loader import get_template
from django.urls import get_resolver


def load() -> None:
    """Load the URLs with their views, the templates, and the recognizer.

    Done once, in memory that all web processes share. Otherwise each process loads its own copies, which makes its
    first requests slow and lets its memory grow for minutes. The models of the local recognizer are loaded at their
    first use.
    """
    from analysis.recognition import registry  # its models need Django set up

    _ = get_resolver().url_patterns
    registry.current()
    folder = Path(settings.BASE_DIR, "templates")
    for path in folder.rglob("*.html"):
        get_template(path.relative_to(folder).as_posix())
