"""Form of a new API token."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagelib.accounts.models import ApiToken


class TokenForm(forms.Form):
    EXPIRIES = [
        ("30", gettext_lazy("In 30 days")),
        ("90", gettext_lazy("In 90 days")),
        ("365", gettext_lazy("In a year")),
        ("", gettext_lazy("Never")),
    ]

    name = forms.CharField(
        max_length=100,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("The program that will use it, for example “Backup script”."),
    )
    scopes = forms.MultipleChoiceField(
        choices=ApiToken.Scope.choices,
        initial=[ApiToken.Scope.READ],
        label=gettext_lazy("Scopes"),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("A token can never do more than your account."),
    )
    spending_limit = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=100_000,
        max_digits=8,
        decimal_places=2,
        label=gettext_lazy("Spending limit (US dollars)"),
        help_text=gettext_lazy("Required with “Analyze”: the maximum total cost of analyses started with this token."),
    )
    days = forms.ChoiceField(required=False, choices=EXPIRIES, initial="90", label=gettext_lazy("Expires"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        analyzes = ApiToken.Scope.ANALYZE in cleaned.get("scopes", [])
        if analyzes and cleaned.get("spending_limit") is None and "spending_limit" not in self.errors:
            self.add_error("spending_limit", _("A token with “Analyze” needs a spending limit, which can be 0."))
        return cleaned
