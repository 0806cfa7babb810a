"""The help of each command is translated when it is printed."""

from __future__ import annotations

import pkgutil

import pytest
from django.core.management import load_command_class

from analysis.management import commands
from tests import test_translation

pseudo = test_translation.pseudo

# migrate is Django's, with Django's help.
NAMES = sorted({module.name for module in pkgutil.iter_modules(commands.__path__)} - {"migrate"})


def parser_of(name: str, app: str = "analysis"):
    return load_command_class(app, name).create_parser("manage.py", name)


@pytest.mark.parametrize("name", NAMES)
def test_help_is_translated(name, pseudo):
    parser = parser_of(name)
    of_django = {option for action in parser_of("flush", "django.core")._actions for option in action.option_strings}
    own = [action for action in parser._actions if not of_django.intersection(action.option_strings)]
    texts = [text for text in (parser.description, *(action.help for action in own), parser.epilog) if text]
    assert texts
    assert [text for text in texts if not text.startswith("⟦")] == []
