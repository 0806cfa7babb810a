"""Forms for new rows: their defaults and their errors for impossible values."""

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
def test_add_form_shows_no_python_object(model, browser):
    page = browser.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))
    assert page.status_code in {200, 403}
    assert "object at 0x" not in html.unescape(page.content.decode())


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=str), ids=str)
@pytest.mark.parametrize("value", ["x", "999999", "99999999999999999999", "\x00"])
def test_impossible_keys_are_rejected(value, model, browser):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    names = [field.name for field in (*model._meta.fields, *model._meta.many_to_many)]
    assert browser.post(address, dict.fromkeys(names, value)).status_code in {200, 403}


ACTIONS = [
    (model, getattr(action, "__name__", action))
    for model, model_admin in admin.site._registry.items()
    for action in model_admin.actions or ()
]


@pytest.mark.parametrize(("model", "action"), ACTIONS, ids=str)
def test_action_on_deleted_row_changes_nothing(model, action, browser):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    page = browser.post(address, {"action": action, "_selected_action": ["999999"]}, follow=True)
    sentences = [str(message) for message in page.context["messages"]]
    assert sentences == ["The selected rows no longer exist. Nothing was changed."]


@pytest.mark.parametrize(
    ("form", "data", "sentence"),
    [
        ("label_change", {"threshold": "101"}, "Ensure this value is less than or equal to 100."),
        ("label_add", {"name": "dog", "kind": "label"}, "A label of this kind with this name already exists."),
        ("rating_add", {"rating": "9"}, "Ensure this value is less than or equal to 5."),
    ],
)
def test_invalid_value_is_explained(form, data, sentence, browser):
    dog = create_label("Dog")
    arguments = [dog.pk] if form.endswith("change") else []
    page = browser.post(reverse(f"admin:analysis_{form}", args=arguments), {"category": "", **data})
    assert sentence in html.unescape(page.content.decode())
