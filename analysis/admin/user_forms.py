"""Forms of accounts: the role first, permissions under Advanced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminRadioSelectWidget

from analysis.permissions import accounts as rights
from imagelib.accounts import user_management
from imagelib.accounts.models import User
from imagelib.accounts.roles import LINES, Role


class RoleFormMixin(forms.Form):
    """Radio buttons for the roles that the signed-in user can give, if any."""

    offered_roles: ClassVar[Sequence[Role]] = ()
    role = forms.ChoiceField(label=_("Role"), required=False, widget=UnfoldAdminRadioSelectWidget())

    def offer_roles(self) -> None:
        field: Any = self.fields["role"]
        field.choices = [(role.value, format_html("{}: {}", role.label, LINES[role])) for role in self.offered_roles]
        if not self.offered_roles:
            # Deleted, since a field that is only hidden would still be read from the request.
            del self.fields["role"]

    def chosen_role(self) -> Role | None:
        """The chosen role; None if it is not changed."""
        role = self.cleaned_data.get("role")
        return Role(role) if role and "role" in self.changed_data else None


class UserForm(RoleFormMixin, UserChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer_roles()
        if "role" in self.fields:
            role = user_management.role_of(self.instance)
            self.initial["role"] = role.value if role else ""
            if role is None:
                self.fields["role"].help_text = _(
                    "Custom permissions, listed under Advanced. Choosing a role replaces them."
                )

    def clean(self) -> Any:
        cleaned = super().clean() or self.cleaned_data
        stays = cleaned.get("is_active", True) and cleaned.get("is_superuser", True)
        if not stays and rights.is_last_superuser(User.objects.get(pk=self.instance.pk)):
            raise ValidationError(_("This is the only active administrator. Create another one first."))
        return cleaned


class AddUserForm(RoleFormMixin, UserCreationForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer_roles()
        if "role" in self.fields:
            self.fields["role"].initial = Role.VIEWER.value
            self.fields["role"].required = True  # an account without any group may upload

    def chosen_role(self) -> Role | None:
        """The chosen role, even if it is the one that was chosen at first."""
        role = self.cleaned_data.get("role")
        return Role(role) if role else None
