"""Form of the account page, and fields that other forms share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.web.http import one_line
from imagelib.accounts import languages, time_zones
from imagelib.accounts.models import User


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
