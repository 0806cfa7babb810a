"""Forms of the account page and of API tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.web.http import one_line
from imagelib.accounts import languages, time_zones
from imagelib.accounts.models import ApiToken, User


class TimeZoneSelect(forms.Select):
    """Select of time zones; browsers must not translate their names."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value:
            option["attrs"]["translate"] = "no"
        return option


class NameField(forms.CharField):
    """Field for a person's name on one line, in any script."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 150, "label": gettext_lazy("Name"), **kwargs})

    def to_python(self, value: Any) -> str:
        return str(super().to_python(one_line(str(value or ""))))


class AccountForm(forms.ModelForm):
    name = NameField(required=False, help_text=gettext_lazy("Shown on your pictures. Leave empty for your username."))
    time_zone = forms.ChoiceField(required=False, widget=TimeZoneSelect)
    language = forms.ChoiceField(required=False, label=gettext_lazy("Language"))
    field_order = ("name", "email", "time_zone", "language")

    class Meta:
        model = User
        fields = ("email", "time_zone", "language")

    def __init__(self, *args: Any, browser_zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        automatic = (
            _("Browser's time zone (%(zone)s)") % {"zone": browser_zone} if browser_zone else _("Browser's time zone")
        )
        choices: Any = self.fields["time_zone"]
        choices.choices = [("", automatic), *((name, name.replace("_", " ")) for name in sorted(time_zones.names()))]
        self.fields["time_zone"].label = _("Time zone")
        self.fields["email"].label = _("Email")
        self.fields["email"].help_text = _("Used to reset a forgotten password.")
        self.initial["name"] = self.instance.get_full_name()
        self._offer_languages()

    def save(self, commit: bool = True) -> Any:
        # Not all names have two parts, so Django's last_name stays empty.
        self.instance.first_name, self.instance.last_name = self.cleaned_data["name"], ""
        return super().save(commit)

    def _offer_languages(self) -> None:
        if not languages.has_choice():
            del self.fields["language"]
            return
        choices: Any = self.fields["language"]
        choices.choices = [("", _("Browser's language")), *settings.LANGUAGES]


class TokenForm(forms.Form):
    """Form for a new API token."""

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
        help_text=gettext_lazy("Never more than your account may do."),
    )
    spending_limit = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=100_000,
        max_digits=8,
        decimal_places=2,
        label=gettext_lazy("Spending limit (US dollars)"),
        help_text=gettext_lazy("For tokens that may analyze: the maximum total cost of their analyses."),
    )
    days = forms.ChoiceField(required=False, choices=EXPIRIES, initial="90", label=gettext_lazy("Expires"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        analyzes = ApiToken.Scope.ANALYZE in cleaned.get("scopes", [])
        if analyzes and cleaned.get("spending_limit") is None and "spending_limit" not in self.errors:
            self.add_error("spending_limit", _("A token that may analyze needs a spending limit, which can be 0."))
        return cleaned
