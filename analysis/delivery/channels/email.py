"""Email by Django's mail settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from analysis.delivery.base import Channel, Message, Outcome
from analysis.delivery.channels.summary import lines_of, title_of


@dataclass(frozen=True)
class EmailChannel(Channel):
    address: str

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return [self._send(message) for message in messages]

    def _send(self, message: Message) -> Outcome:
        if not self.address:
            return Outcome(_("Your account has no email address. Add one on the account page."))
        mail = EmailMessage(
            # The mail library rejects line breaks, with which a name could add headers.
            subject=" ".join(f"imagelib: {title_of(message.payload)}".split()),
            body=_body(message.payload),
            to=[self.address],
            # The same for every attempt, so that mail programs show the message once.
            headers={"Message-ID": f"<{message.delivery_id}@imagelib>"},
        )
        try:
            mail.send()
        except OSError as error:  # SMTPException is a subclass
            return Outcome(_("The mail server rejected it: %(error)s") % {"error": error})
        return Outcome()


def _body(payload: Mapping[str, Any]) -> str:
    paragraphs = [f"{line.text}\n{line.url}".strip() for line in lines_of(payload)]
    return "\n\n".join([title_of(payload), *paragraphs]) + "\n"
