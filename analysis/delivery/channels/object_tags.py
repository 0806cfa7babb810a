"""Sets tags of the S3 objects of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting
from analysis.aws import object_tags
from analysis.aws.errors import AWSError
from analysis.aws.object_refs import AssumedRole, S3Object
from analysis.aws.shared_clients import shared_client
from analysis.delivery.base import Channel, Message, Outcome
from analysis.delivery.channels.aws_outcomes import outcome_of
from analysis.delivery.sink_options import TagOptions
from analysis.delivery.tag_plan import TagPlan, plan_tags


@dataclass(frozen=True)
class TaggedBucket:
    """A bucket, or a prefix in it, whose objects imagelib may tag."""

    name: str
    prefix: str
    region: str
    role: AssumedRole | None = None

    def has(self, image: Mapping[str, Any]) -> bool:
        return bool(image["bucket"] == self.name and image["key"].startswith(self.prefix))


@dataclass(frozen=True)
class ObjectTagsChannel(Channel):
    buckets: tuple[TaggedBucket, ...]
    options: TagOptions

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return [self._send(message) for message in messages]

    def plan(self, image: Mapping[str, Any]) -> TagPlan | Outcome:
        """The tags of an object before and after, or why it gets none, without writing."""
        bucket = self._bucket_of(image)
        if bucket is None:
            return _not_allowed(image)
        try:
            client = shared_client("s3", region=bucket.region, role=bucket.role)
            return plan_tags(object_tags.get_tags(client, _target(image)), image, self.options)
        except AWSError as error:
            return _outcome_of(error, image, object_tags.READ_ACTION)

    def _send(self, message: Message) -> Outcome:
        if "image" not in message.payload:
            return Outcome(note=_("Nothing was sent. The dry run shows what would be set."))
        image = message.payload["image"]
        plan = self.plan(image)
        if isinstance(plan, Outcome):
            return plan
        return self._write(image, plan)

    def _write(self, image: Mapping[str, Any], plan: TagPlan) -> Outcome:
        bucket = self._bucket_of(image)
        if bucket is not None and plan.is_change:
            try:
                client = shared_client("s3", region=bucket.region, role=bucket.role)
                # All tags, since S3 has no request to change a single one.
                object_tags.put_tags(client, _target(image), plan.after)
            except AWSError as error:
                return _outcome_of(error, image, object_tags.WRITE_ACTION)
        return Outcome(note=note_of(plan))

    def _bucket_of(self, image: Mapping[str, Any]) -> TaggedBucket | None:
        return next((bucket for bucket in self.buckets if bucket.has(image)), None)


def note_of(plan: TagPlan) -> str:
    """A note on tags for which there was no room; empty if all were set."""
    if not plan.omitted:
        return ""
    text = ngettext("%(number)s tag was left out", "%(number)s tags were left out", len(plan.omitted))
    sentence = formatting.plural(text, len(plan.omitted))
    return _("%(sentence)s because there was no room: %(names)s.") % {
        "sentence": sentence,
        "names": ", ".join(plan.omitted[: object_tags.MAX_TAGS]),
    }


def _not_allowed(image: Mapping[str, Any]) -> Outcome:
    if not image["bucket"]:
        return Outcome(_("The picture is in imagelib's own storage, where objects are not tagged."), is_permanent=True)
    sentence = _("The bucket %(bucket)s does not allow setting tags. Turn on “Set tags” in its settings.")
    return Outcome(sentence % {"bucket": image["bucket"]}, is_permanent=True)


def _outcome_of(error: AWSError, image: Mapping[str, Any], action: str) -> Outcome:
    if error.is_absent:
        return Outcome(_("The object is no longer in the bucket."), is_permanent=True)
    # Another permission is needed with a version (S3, "PutObjectTagging").
    versioned = action.replace("ObjectTagging", "ObjectVersionTagging")
    return outcome_of(error, action=versioned if image["version_id"] else action)


def _target(image: Mapping[str, Any]) -> S3Object:
    return S3Object(image["bucket"], image["key"], image["version_id"])
