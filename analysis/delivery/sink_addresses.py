"""Addresses of sinks (URLs, ARNs, names): their format, region and IAM policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analysis.aws import dynamodb, eventbridge, iam_policy, sns, sqs_messages
from analysis.aws.object_refs import partition_of
from analysis.delivery import http_client
from analysis.models import Bucket, Sink

Channel = Sink.Channel
_ARN = r"arn:aws[\w-]*:{service}:(?P<region>[a-z0-9-]+):(?P<account>\d{{12}}):"


@dataclass(frozen=True)
class AddressForm:
    """The addresses of one channel.

    `pattern`: with the group `name`, and `region` and `account` if addresses contain them.
    """

    pattern: re.Pattern[str]
    error: str | Promise
    action: str
    resource: str
    """The resource in its IAM policy."""


FORMS: dict[str, AddressForm] = {
    Channel.SQS: AddressForm(
        re.compile(
            r"https?://(?:sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?|[^/\s@]+)"
            r"/(?P<account>\d{12})/(?P<name>[\w-]{1,80}(?:\.fifo)?)"
        ),
        _("Enter the URL of a queue, such as https://sqs.eu-central-1.amazonaws.com/123456789012/pictures."),
        sqs_messages.ACTION,
        "sqs:{region}:{account}:{name}",
    ),
    Channel.SNS: AddressForm(
        re.compile(_ARN.format(service="sns") + r"(?P<name>[\w-]{1,256}(?:\.fifo)?)"),
        _("Enter the ARN of a topic, such as arn:aws:sns:eu-central-1:123456789012:pictures."),
        sns.ACTION,
        "sns:{region}:{account}:{name}",
    ),
    Channel.EVENTBRIDGE: AddressForm(
        re.compile(rf"(?:{_ARN.format(service='events')}event-bus/)?(?P<name>[\w./-]{{1,256}})"),
        _("Enter the name or ARN of an event bus, such as default."),
        eventbridge.ACTION,
        "events:{region}:{account}:event-bus/{name}",
    ),
    Channel.DYNAMODB: AddressForm(
        re.compile(rf"(?:{_ARN.format(service='dynamodb')}table/)?(?P<name>[\w.-]{{3,255}})"),
        _("Enter the name or ARN of a table, such as pictures."),
        dynamodb.ACTION,
        "dynamodb:{region}:{account}:table/{name}",
    ),
}


def address_error(channel: str, address: str) -> str:
    """Why this is not a valid address of a sink; empty if it is."""
    if channel == Channel.WEBHOOK:
        return http_client.address_error(address)
    form = FORMS.get(channel)
    return str(form.error) if form and not form.pattern.fullmatch(address) else ""


def region_of(channel: str, address: str, *, option: str = "") -> str:
    """The region of a sink: from its address, else the option, else AWS_REGION."""
    return _parts(channel, address).get("region") or option or str(settings.AWS_REGION)


def policy_of(sink: Sink) -> dict[str, Any] | None:
    """The IAM policy that a sink needs; None for a webhook."""
    if sink.channel == Channel.OBJECT_TAGS:
        buckets = [f"{bucket.name}/{bucket.prefix}" for bucket in Bucket.objects.filter(may_tag=True).order_by("name")]
        return iam_policy.tag_policy(buckets or ["BUCKET/"], region=str(settings.AWS_REGION))
    form = FORMS.get(sink.channel)
    if form is None:
        return None
    region = region_of(sink.channel, sink.address, option=sink.options.get("region", ""))
    parts = _parts(sink.channel, sink.address)
    resource = form.resource.format(
        region=region or "*", account=parts.get("account") or "*", name=parts.get("name") or "NAME"
    )
    return iam_policy.send_policy(action=form.action, arn=f"arn:{partition_of(region)}:{resource}")


def _parts(channel: str, address: str) -> Mapping[str, str | None]:
    form = FORMS.get(channel)
    match = form.pattern.fullmatch(address) if form else None
    return match.groupdict() if match else {}
