"""Fields that complete a row of another table: what no row can be is nothing chosen, and the form says so."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db.models import Model


def is_key(model: type[Model], text: str) -> bool:
    """Whether a row could have this key; of what could not, the database would complain."""
    try:
        key = model._meta.pk.to_python(text)
    except ValidationError:
        return False
    return not isinstance(key, int) or abs(key) < 2**63


class KeyWidget:
    """Django looks up what was sent, to show it again, before anybody asked whether it is a key."""

    field: Any

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        known = [each for each in value if is_key(self.field.related_model, str(each))]
        return super().optgroups(name, known, attr)  # type: ignore[misc]


class Choice(KeyWidget, AutocompleteSelect):
    pass


class Choices(KeyWidget, AutocompleteSelectMultiple):
    pass
