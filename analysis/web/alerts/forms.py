"""Form for an alert."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from analysis.delivery.alerts import AlertOptions
from analysis.models import Alert

MAX_ADDRESS = 2_000


class AlertForm(forms.Form):
    """Checks the shape of the input only; `delivery.alerts` decides what is accepted."""

    channel = forms.ChoiceField(
        choices=Alert.Channel.choices,
        initial=Alert.Channel.EMAIL,
        label=_("Send to"),
        widget=forms.RadioSelect,
    )
    address = forms.CharField(
        required=False,
        max_length=MAX_ADDRESS,
        label=_("Address"),
        help_text=_("The URL of a Slack incoming webhook, or of your own service."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    frequency = forms.ChoiceField(
        choices=Alert.Frequency.choices,
        initial=Alert.Frequency.AT_ONCE,
        label=_("Frequency"),
        help_text=_(
            "With “At once”, emails and Slack messages are sent at least 5 minutes apart, and a webhook gets one "
            "message per picture. Daily and weekly messages are sent at 8 in the morning."
        ),
    )

    @classmethod
    def of(cls, alert: Alert) -> AlertForm:
        return cls(initial={"channel": alert.channel, "address": alert.address, "frequency": alert.frequency})

    @property
    def options(self) -> AlertOptions:
        """The values of a valid form."""
        values = self.cleaned_data
        return AlertOptions(values["channel"], values["frequency"], values["address"])

    @property
    def previewed(self) -> AlertOptions:
        """Options for the preview, even if the form is incomplete."""
        values = self.data if self.is_bound else self.initial
        channel, frequency = values.get("channel", ""), values.get("frequency", "")
        return AlertOptions(
            channel if channel in Alert.Channel.values else Alert.Channel.EMAIL,
            frequency if frequency in Alert.Frequency.values else Alert.Frequency.AT_ONCE,
        )
