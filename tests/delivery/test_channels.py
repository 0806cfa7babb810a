"""Channels that send by HTTP and email: form, signature, escaping."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from django.core import mail

from analysis.delivery.base import Message, Outcome
from analysis.delivery.channels.email import EmailChannel
from analysis.delivery.channels.slack import SlackChannel
from analysis.delivery.channels.webhook import WebhookChannel
from analysis.delivery.signatures import new_secret, signed_headers

LABELS = [{"name": name} for name in ("Dog", "Pet", "Beach")]
IMAGE = {
    "id": 7,
    "file_name": "<!channel> & dog.jpg",
    "url": "https://pictures.example.org/images/7/",
    "labels": LABELS,
}
PAYLOAD = {
    "version": 1,
    "event": "matches",
    "search": {"name": "Dogs", "query": "dog", "url": "https://pictures.example.org/?q=dog"},
    "count": 3,
    "images": [IMAGE],
}
MESSAGE = Message("0b2f7a5e-6f4b-4a57-9a0f-0c9f3b0a1d11", "matches", PAYLOAD, datetime(2026, 11, 1, tzinfo=UTC))


def test_signature_is_that_of_standard_webhooks():
    # The example of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_webhook_signs_the_body_it_sends(receiver):
    secret = new_secret()
    assert WebhookChannel(receiver.url, secret=secret).send([MESSAGE]) == [Outcome()]
    [request] = receiver.received
    assert (request.path, request.headers["content-type"]) == ("/hook?key=secret", "application/json")
    assert request.json == {"id": MESSAGE.delivery_id, "created_at": "2026-11-01T00:00:00+00:00", **PAYLOAD}
    timestamp = int(request.headers["webhook-timestamp"])
    expected = signed_headers(secret, message_id=MESSAGE.delivery_id, timestamp=timestamp, body=request.body)
    assert {name: request.headers[name] for name in expected} == expected


def test_slack_message_links_pictures_and_escapes_names(receiver):
    assert SlackChannel(receiver.url).send([MESSAGE]) == [Outcome()]
    assert receiver.received[0].json["text"].splitlines() == [
        "*3 new pictures in “Dogs”*",
        "<https://pictures.example.org/images/7/|&lt;!channel&gt; &amp; dog.jpg: Dog, Pet, Beach>",
        "<https://pictures.example.org/?q=dog|and 2 more pictures>",
    ]


def test_removed_slack_webhook_is_gone(receiver):
    receiver.status, receiver.text = 404, "no_service"
    [outcome] = SlackChannel(receiver.url).send([MESSAGE])
    assert (outcome.is_gone, outcome.error) == (True, "The receiver returned HTTP 404: it no longer accepts messages.")


def test_email_lists_pictures_and_keeps_its_message_id():
    assert EmailChannel("me@example.org").send([MESSAGE]) == [Outcome()]
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["me@example.org"], "imagelib: 3 new pictures in “Dogs”")
    assert sent.message()["Message-ID"] == f"<{MESSAGE.delivery_id}@imagelib>"
    assert sent.body.split("\n\n")[1].splitlines() == [
        "<!channel> & dog.jpg: Dog, Pet, Beach",
        "https://pictures.example.org/images/7/",
    ]


def test_line_break_in_a_name_cannot_add_a_mail_header():
    search = {"name": "Dogs\nBcc: all@example.org", "query": "dog", "url": None}
    message = replace(MESSAGE, payload=PAYLOAD | {"search": search})
    assert EmailChannel("me@example.org").send([message]) == [Outcome()]
    assert "\n" not in mail.outbox[0].subject


def test_account_without_email_address_is_told():
    [outcome] = EmailChannel("").send([MESSAGE])
    assert outcome.error == "Your account has no email address. Add one on the account page."


def test_mail_server_that_is_down_is_tried_again(settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend",
        "127.0.0.1",
        1,
    )
    [outcome] = EmailChannel("me@example.org").send([MESSAGE])
    assert (outcome.error.startswith("The mail server rejected it: "), outcome.is_permanent) == (True, False)
