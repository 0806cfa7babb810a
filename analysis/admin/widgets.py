"""Autocomplete fields for foreign keys that ignore impossible keys."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.widgets import AutocompleteMixin, AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db.models import Model


def is_key(model: type[Model], text: str) -> bool:
    """True if a row can have this key. PostgreSQL raises an error for others."""
    try:
        key = model._meta.pk.to_python(text)
    except ValidationError:
        return False
    return not isinstance(key, int) or abs(key) < 2**63


class KeyWidget(AutocompleteMixin):
    """Drops impossible keys, which Django would query before validating them."""

    field: Any

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        keys = [key for key in value if is_key(self.field.related_model, str(key))]
        return super().optgroups(name, keys, attr)


class KeySelect(KeyWidget, AutocompleteSelect):
    pass


class KeySelectMultiple(KeyWidget, AutocompleteSelectMultiple):
    pass
