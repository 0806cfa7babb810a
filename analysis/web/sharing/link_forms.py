"""Form for a share link: password, expiry, and what it shows."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analysis.models import ShareLink
from analysis.sharing.share_links import LinkOptions

KEEP = "keep"
EXPIRIES = [
    ("7", _("In 7 days")),
    ("30", _("In 30 days")),
    ("365", _("In a year")),
    ("", _("Never")),
]


class LinkForm(forms.Form):
    """Form for a new link; with `link`, for an existing one."""

    expires = forms.ChoiceField(required=False, choices=EXPIRIES, initial="30", label=_("Expires"))
    password = forms.CharField(
        required=False,
        max_length=200,
        strip=False,
        label=_("Password"),
        help_text=_("Optional. Send it separately from the link."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False),
    )
    no_password = forms.BooleanField(required=False, label=_("Remove the password"))
    allows_download = forms.BooleanField(required=False, label=_("Can download pictures"))
    shows_metadata = forms.BooleanField(required=False, label=_("Can see metadata: file name, date, camera, place"))
    includes_private = forms.BooleanField(required=False)
    includes_sensitive = forms.BooleanField(required=False)

    def __init__(self, *args: object, link: ShareLink | None = None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.link = link
        self.label_suffix = ""
        if link is None:
            self.fields["expires"].widget.attrs["autofocus"] = True  # the name of a new collection comes before it
        if link is None or not link.password:
            del self.fields["no_password"]
        else:
            self.fields["password"].help_text = _("Leave empty to keep the current one.")
        if link is not None:
            self.fields["expires"].initial = ""
        if link is not None and link.expires_at:
            expires = self.fields["expires"]
            assert isinstance(expires, forms.ChoiceField)  # noqa: S101 - for mypy
            expires.choices = [(KEEP, _("No change")), *EXPIRIES]
            expires.initial = KEEP

    def options(self) -> LinkOptions:
        cleaned = self.cleaned_data
        return LinkOptions(
            password=self._password(),
            expires_at=self._expires_at(timezone.now()),
            allows_download=cleaned["allows_download"],
            shows_metadata=cleaned["shows_metadata"],
            includes_private=cleaned["includes_private"],
            includes_sensitive=cleaned["includes_sensitive"],
        )

    def _password(self) -> str | None:
        if self.cleaned_data.get("no_password"):
            return ""
        return self.cleaned_data["password"] or None

    def _expires_at(self, now: datetime) -> datetime | None:
        choice = self.cleaned_data["expires"]
        if choice == KEEP and self.link is not None:
            return self.link.expires_at
        return now + timedelta(days=int(choice)) if choice else None
