"""Messages of scripts are embedded in pages."""

import json
import re

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import translation

from analysis.web import script_messages

SCRIPTS = settings.BASE_DIR / "analysis/static/analysis/js"


def keys_used() -> set[str]:
    code = "\n".join(path.read_text() for path in SCRIPTS.glob("*.js"))
    calls = re.findall(r"\bmessage\(([^{;\n]*)", code)
    return {key for call in calls for key in re.findall(r'"([a-z-]+)"', call)}


def test_messages_and_keys_in_scripts_match():
    assert keys_used() == set(script_messages.SENTENCES) | set(script_messages.PLURALS)


def test_plurals_by_category():
    messages = script_messages.messages()
    assert messages["other-files"] == {
        "one": "%(number)s other file skipped",
        "other": "%(number)s other files skipped",
    }
    assert messages["selected"] == {"other": "%(number)s selected"}


@pytest.mark.django_db
def test_page_embeds_messages_as_json(nobody):
    page = nobody.get(reverse("login")).content.decode()
    block = re.search(r'<script id="messages" type="application/json">(.*?)</script>', page)[1]
    with translation.override("en"):
        assert json.loads(block) == script_messages.messages()
