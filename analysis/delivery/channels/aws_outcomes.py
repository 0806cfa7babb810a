"""Converts errors of AWS to outcomes of messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from django.utils.translation import gettext as _

from analysis.aws.errors import AWSError, MessageRefused
from analysis.aws.message_batches import MARGIN, OutgoingMessage, Refusals, batches
from analysis.delivery.base import Message, Outcome
from analysis.delivery.channels.image_bodies import Body, body_of
from analysis.delivery.sink_options import MessageOptions
from analysis.formatting import translated


def outcome_of(error: AWSError, *, action: str) -> Outcome:
    """The outcome of an error. `action`: the required IAM action.

    Denied requests are retried, since staff can grant the permission later.
    """
    sentence = translated(error)
    if error.is_denied:
        advice = _("Allow %(action)s for imagelib's IAM role or user. The sink's page shows the policy.")
        sentence = f"{sentence} {advice % {'action': action}}"
    return Outcome(sentence, is_permanent=isinstance(error, MessageRefused))


def send_batches(
    messages: Sequence[Message],
    bodies: Sequence[Body],
    *,
    send: Callable[[Sequence[OutgoingMessage]], Refusals],
    max_bytes: int,
    action: str,
    resources: Mapping[str, str] | None = None,
) -> list[Outcome]:
    """Send messages with their bodies in batches; returns an outcome for each.

    `resources`: the ARN that a message is about, by delivery id.
    """
    outgoing = [
        _outgoing(message, body, (resources or {}).get(message.delivery_id, ""))
        for message, body in zip(messages, bodies, strict=True)
        if not body.error
    ]
    refused: dict[str, Outcome] = {}
    for batch in batches(outgoing, max_bytes=max_bytes):
        try:
            refusals = send(batch)
        except AWSError as error:
            refused |= dict.fromkeys((message.id for message in batch), outcome_of(error, action=action))
        else:
            refused |= {message_id: outcome_of(error, action=action) for message_id, error in refusals.items()}
    return [
        Outcome(body.error, is_permanent=True)
        if body.error
        else refused.get(message.delivery_id, Outcome(note=body.note))
        for message, body in zip(messages, bodies, strict=True)
    ]


def send_in_form(
    messages: Sequence[Message],
    *,
    options: MessageOptions,
    send: Callable[[Sequence[OutgoingMessage]], Refusals],
    action: str,
) -> list[Outcome]:
    """`send_batches` with bodies by the form and size limit in the options."""
    limit = options.max_bytes
    bodies = [body_of(message, form=options.form, limit=limit - MARGIN) for message in messages]
    return send_batches(messages, bodies, send=send, max_bytes=limit, action=action)


def _outgoing(message: Message, body: Body, resource: str) -> OutgoingMessage:
    image = message.payload.get("image", {})
    return OutgoingMessage(
        id=message.delivery_id,
        body=body.text,
        group=str(image.get("id", "test")),
        event=str(message.payload["event"]),
        resource=resource,
    )
