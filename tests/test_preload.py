"""Loading before web processes are forked."""

from __future__ import annotations

from django.template import engines

from imagelib import preload


def test_templates_are_compiled_without_the_database():
    """Web processes must not inherit a connection; this test is not allowed any."""
    [partials] = engines["django"].engine.template_loaders
    [loader] = partials.loaders
    loader.reset()
    preload.load()
    assert {"base.html", "labels.html", "includes/stylesheets.html"} <= {
        template.name for template in loader.get_template_cache.values()
    }
