"""Forms to invite a person and to accept an invitation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagelib.accounts import invitations
from imagelib.accounts.account_forms import NameField
from imagelib.accounts.models import Invitation, User
from imagelib.accounts.roles import LINES, Role


class RoleField(forms.ChoiceField):
    """Radio buttons of the roles; the template adds a line that describes each."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": gettext_lazy("Role"), "widget": forms.RadioSelect, **kwargs})

    def offer(self, roles: Sequence[Role]) -> None:
        self.choices = [(role.value, role.label) for role in roles]


def role_lines(form: forms.BaseForm) -> list[tuple[Any, Any]]:
    """The radio buttons of the form's role field, each with its description."""
    return [(choice, LINES[Role(choice.data["value"])]) for choice in form["role"]]


class InviteForm(forms.Form):
    name = NameField(widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto", "autofocus": True}))
    email = forms.EmailField(
        required=False,
        label=gettext_lazy("Email"),
        help_text=gettext_lazy("Leave empty to send the link yourself."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = RoleField(initial=Role.VIEWER)

    def __init__(self, *args: Any, roles: Sequence[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["role"]
        field.offer(roles)

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        account = User.objects.filter(email__iexact=email).first() if email else None
        if account is not None:
            text = _("%(person)s already has an account with this address.")
            raise forms.ValidationError(text % {"person": account.get_full_name() or account.get_username()})
        if email and invitations.open_invitations().filter(email__iexact=email).exists():
            raise forms.ValidationError(self.invited_already())
        return email

    @staticmethod
    def invited_already() -> str:
        return _("This address already has an invitation. Send it again, or withdraw it first.")


class RoleForm(forms.Form):
    role = RoleField()

    def __init__(self, *args: Any, roles: Sequence[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["role"]
        field.offer(roles)


class AcceptForm(UserCreationForm):
    """Username and password of a new account."""

    class Meta:
        model = User
        fields = ("username",)

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        # Set before validation, since a password must not resemble the name or the address.
        account = User(first_name=invitation.name, email=invitation.email)
        initial = {"username": invitations.suggested_username(invitation)}
        super().__init__(*args, instance=account, initial=initial, **kwargs)
        self.fields["username"].help_text = _("You'll use it to sign in. Letters, digits and @ . + - _ only.")
        self.fields["password2"].help_text = ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.instance.email and User.objects.filter(email__iexact=self.instance.email).exists():
            text = _("An account with the address %(email)s already exists. Sign in with it.")
            raise forms.ValidationError(text % {"email": self.instance.email})
        return cleaned
