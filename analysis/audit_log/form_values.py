"""Old and new values of a form, for the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Model
from django.forms import BaseForm, ModelChoiceField
from django.forms.models import BaseModelForm

MAX_TEXT = 500
MAX_ITEMS = 50


def changed_values(form: BaseForm) -> dict[str, list[Any]]:
    """The old and the new value of each changed field; no passwords."""
    names = [name for name in form.changed_data if not _is_secret(name) and name in form.cleaned_data]
    values = {name: [_old_value(form, name), _as_json(form.cleaned_data[name])] for name in names}
    return {name: pair for name, pair in values.items() if pair[0] != pair[1]}


def settings_of(form: BaseModelForm[Any]) -> dict[str, list[Any]]:
    """The values of a form that adds an object, without empty ones."""
    values = {name: _as_json(value) for name, value in form.cleaned_data.items() if not _is_secret(name)}
    return {name: [None, value] for name, value in values.items() if value not in (None, "", [], False)}


def _is_secret(name: str) -> bool:
    return "password" in name


def _old_value(form: BaseForm, name: str) -> Any:
    value, field = form.get_initial_for_field(form.fields[name], name), form.fields[name]
    if isinstance(field, ModelChoiceField) and isinstance(value, int) and field.queryset is not None:
        value = field.queryset.model._default_manager.filter(pk=value).first()  # the initial value of a foreign key
    return _as_json(value)


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | Model):
        return str(value)[:MAX_TEXT]
    if isinstance(value, Iterable):
        return sorted(str(item)[:MAX_TEXT] for item in list(value)[:MAX_ITEMS])
    return str(value)[:MAX_TEXT]
