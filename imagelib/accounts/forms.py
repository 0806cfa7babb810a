"""Form of the account page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from imagelib.accounts import time_zones
from imagelib.accounts.models import User


class TimeZoneSelect(forms.Select):
    """Names of time zones are identifiers, so browsers must not translate them."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value:
            option["attrs"]["translate"] = "no"
        return option


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
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
