"""Forms for new rows: what they show, and what they say of what no row can be."""

import html

import pytest
from django.contrib import admin
from django.urls import reverse

from tests.factories import create_label

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(staff, signed_in):
    return signed_in(staff)


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=str), ids=str)
def test_a_form_for_a_new_row_shows_nothing_that_only_python_understands(model, browser):
    page = browser.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))
    assert page.status_code in {200, 403}
    assert "object at 0x" not in html.unescape(page.content.decode())


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=str), ids=str)
@pytest.mark.parametrize("sent", ["x", "999999", "99999999999999999999", "\x00"])
def test_what_no_row_can_be_is_no_choice(sent, model, browser):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    names = [field.name for field in (*model._meta.fields, *model._meta.many_to_many)]
    assert browser.post(address, dict.fromkeys(names, sent)).status_code in {200, 403}


ACTIONS = [
    (model, getattr(action, "__name__", action))
    for model, model_admin in admin.site._registry.items()
    for action in model_admin.actions or ()
]


@pytest.mark.parametrize(("model", "action"), ACTIONS, ids=str)
def test_an_action_on_what_is_gone_does_nothing_and_says_so(model, action, browser):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    page = browser.post(address, {"action": action, "_selected_action": ["999999"]}, follow=True)
    said = [str(message) for message in page.context["messages"]]
    assert said == ["What was selected is not there any more, so nothing was done."]


@pytest.mark.parametrize(
    ("address", "given", "sentence"),
    [
        ("label_change", {"threshold": "101"}, "Ensure this value is less than or equal to 100."),
        ("label_add", {"name": "dog", "kind": "label"}, "A label of this kind with this name already exists."),
        ("rating_add", {"rating": "9"}, "Ensure this value is less than or equal to 5."),
    ],
)
def test_what_cannot_be_is_refused_in_words(address, given, sentence, browser):
    dog = create_label("Dog")
    which = [dog.pk] if address.endswith("change") else []
    page = browser.post(reverse(f"admin:analysis_{address}", args=which), {"category": "", **given})
    assert sentence in html.unescape(page.content.decode())
