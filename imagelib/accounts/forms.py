"""Forms of the account page and of API tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagelib.accounts import time_zones
from imagelib.accounts.models import ApiToken, User


class TimeZoneSelect(forms.Select):
    """Names of time zones are identifiers, so browsers must not translate them."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value:
            option["attrs"]["translate"] = "no"
        return option


class AccountForm(forms.ModelForm):
    time_zone = forms.ChoiceField(required=False, widget=TimeZoneSelect)

    class Meta:
        model = User
        fields = ("email", "time_zone", "theme")
        widgets = {"theme": forms.RadioSelect}

    def __init__(self, *args: Any, browser_zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        automatic = (
            _("Browser's time zone (%(zone)s)") % {"zone": browser_zone} if browser_zone else _("Browser's time zone")
        )
        choices: Any = self.fields["time_zone"]
        choices.choices = [("", automatic), *((name, name.replace("_", " ")) for name in sorted(time_zones.names()))]
        self.fields["time_zone"].label = _("Time zone")
        self.fields["email"].label = _("Email")
        self.fields["theme"].label = _("Theme")


class TokenForm(forms.Form):
    """A new API token."""

    EXPIRIES = [
        ("30", gettext_lazy("In 30 days")),
        ("90", gettext_lazy("In 90 days")),
        ("365", gettext_lazy("In a year")),
        ("", gettext_lazy("Never")),
    ]

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("What uses it, for example “Backup script”."),
    )
    scopes = forms.MultipleChoiceField(
        choices=ApiToken.Scope.choices,
        initial=[ApiToken.Scope.READ],
        label=gettext_lazy("It may"),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Never more than your account may do itself."),
    )
    spending_limit = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=100_000,
        max_digits=8,
        decimal_places=2,
        label=gettext_lazy("Spending limit (US dollars)"),
        help_text=gettext_lazy("For tokens that may analyze: what all their analyses together may cost."),
    )
    days = forms.ChoiceField(required=False, choices=EXPIRIES, initial="90", label=gettext_lazy("Expires"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        analyzes = ApiToken.Scope.ANALYZE in cleaned.get("scopes", [])
        if analyzes and cleaned.get("spending_limit") is None and "spending_limit" not in self.errors:
            self.add_error("spending_limit", _("A token that may analyze needs a spending limit, which can be 0."))
        return cleaned
