"""Preloading of URLs and templates, before web processes are forked."""

from pathlib import Path

from django.conf import settings
from django.template.loader import get_template
from django.urls import get_resolver


def load() -> None:
    """Load the URLs with their views, and compile the project's templates.

    Done once, in memory that all web processes share. Otherwise each process loads its own copies, which makes its
    first requests slow and lets its memory grow for minutes.
    """
    _ = get_resolver().url_patterns
    folder = Path(settings.BASE_DIR, "templates")
    for path in folder.rglob("*.html"):
        get_template(path.relative_to(folder).as_posix())
