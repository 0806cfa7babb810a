"""Alerts, sinks, and the messages that are sent to their receivers."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analysis.models.images import Image
from analysis.models.saved_searches import SavedSearch


class ImageEvent(models.Model):
    """A picture that was added or changed, until alerts and sinks have seen it.

    Written in the transaction of the change; deleted in the transaction that writes the deliveries.
    """

    # Neither constraint nor index: the row exists for seconds, in which the picture may be deleted.
    image = models.ForeignKey(
        Image,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("picture"),
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("picture event")
        verbose_name_plural = _("picture events")

    def __str__(self) -> str:
        return f"{self.image_id}"


class Receiver(models.Model):
    """Settings that alerts and sinks share: where their messages go."""

    address = models.CharField(_("address"), max_length=2_000, blank=True)
    secret = models.CharField(
        _("signing secret"), max_length=64, blank=True, help_text=_("Signs the messages to a webhook.")
    )
    is_active = models.BooleanField(_("active"), default=True)
    last_error = models.TextField(
        _("last error"),
        blank=True,
        db_column="trouble",
        help_text=_("Why it was disabled, or why the last attempt failed."),
    )
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    retry_at = models.DateTimeField(
        _("next attempt"), null=True, blank=True, help_text=_("Nothing is sent before this time.")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        abstract = True


class Alert(Receiver):
    """A saved search whose new matches are sent to its owner."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("Email")
        SLACK = "slack", _("Slack")
        WEBHOOK = "webhook", _("Webhook")

    class Frequency(models.TextChoices):
        AT_ONCE = "at_once", _("At once")
        HOURLY = "hourly", _("Every hour")
        DAILY = "daily", _("Every day")
        WEEKLY = "weekly", _("Every week")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="alerts", verbose_name=_("owner")
    )
    saved_search = models.ForeignKey(
        SavedSearch, on_delete=models.CASCADE, related_name="alerts", verbose_name=_("saved search")
    )
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    frequency = models.CharField(_("frequency"), max_length=10, choices=Frequency, default=Frequency.AT_ONCE)
    query = models.TextField(
        _("search"), blank=True, help_text=_("The saved search when pictures were last compared with it.")
    )
    after_image_id = models.BigIntegerField(
        _("after picture"),
        default=0,
        help_text=_("Pictures up to this ID are never sent, because too many matched from the start."),
    )
    next_message_at = models.DateTimeField(
        _("next message"),
        null=True,
        blank=True,
        help_text=_("Matches wait until this time. Empty if none are waiting."),
    )

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        indexes = [
            models.Index(fields=["next_message_at"], condition=Q(next_message_at__isnull=False), name="alert_due")
        ]

    def __str__(self) -> str:
        return f"{self.saved_search.name}: {self.get_channel_display()}"


class Sink(Receiver):
    """A service that receives a message about each picture, or those of a search."""

    class Channel(models.TextChoices):
        SQS = "sqs", _("Amazon SQS queue")
        SNS = "sns", _("Amazon SNS topic")
        EVENTBRIDGE = "eventbridge", _("Amazon EventBridge bus")
        DYNAMODB = "dynamodb", _("Amazon DynamoDB table")
        OBJECT_TAGS = "object_tags", _("Tags of the S3 objects")
        WEBHOOK = "webhook", _("Webhook")

    name = models.CharField(_("name"), max_length=100, unique=True)
    channel = models.CharField(_("channel"), max_length=12, choices=Channel)
    query = models.TextField(
        _("search"), blank=True, help_text=_("Only pictures that match this search. Leave empty for all pictures.")
    )
    options = models.JSONField(
        _("options"), default=dict, help_text=_("Options of the channel, such as the message format.")
    )

    class Meta:
        verbose_name = _("sink")
        verbose_name_plural = _("sinks")

    def __str__(self) -> str:
        return self.name


class SinkRun(models.Model):
    """Sends a sink the pictures that existed before it, in steps.

    Pictures are processed in the order of their ids, so that a run can continue after an interruption.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        CANCELED = "canceled", _("Canceled")

    sink = models.OneToOneField(Sink, on_delete=models.CASCADE, related_name="run", verbose_name=_("sink"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RUNNING)
    after_image_id = models.BigIntegerField(
        _("after picture"), default=0, help_text=_("Pictures up to it were compared.")
    )
    last_image_id = models.BigIntegerField(_("last picture"), help_text=_("Later ones are sent as they are added."))
    queued = models.PositiveIntegerField(_("queued"), default=0, help_text=_("Messages about matching pictures."))
    started_at = models.DateTimeField(_("started"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("sink run")
        verbose_name_plural = _("sink runs")

    def __str__(self) -> str:
        return f"{self.sink}: {self.get_state_display()}"


class AlertMatch(models.Model):
    """A picture that matches an alert.

    The primary key ensures that an alert sends no picture twice.
    """

    pk = models.CompositePrimaryKey("alert_id", "image_id")
    alert = models.ForeignKey(
        Alert, on_delete=models.CASCADE, related_name="matches", db_index=False, verbose_name=_("alert")
    )
    image = models.ForeignKey(
        Image,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("picture"),
    )
    matched_at = models.DateTimeField(
        _("matched"), null=True, blank=True, help_text=_("Empty if it matched before the alert was created.")
    )
    is_waiting = models.BooleanField(_("waiting"), default=False, help_text=_("Waiting for the next message."))

    class Meta:
        verbose_name = _("alert match")
        verbose_name_plural = _("alert matches")
        indexes = [
            models.Index(fields=["alert", "matched_at"], condition=Q(matched_at__isnull=False), name="alertmatch_time"),
            models.Index(fields=["alert", "image"], condition=Q(is_waiting=True), name="alertmatch_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.alert_id}: {self.image_id}"


class Delivery(models.Model):
    """One message to a receiver, kept for some days after it was delivered.

    The order of the primary keys is the order in which messages about the same picture are sent.
    """

    class Kind(models.TextChoices):
        IMAGE = "image", _("Picture")
        MATCHES = "matches", _("New matches")
        TEST = "test", _("Test")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")

    delivery_id = models.UUIDField(
        _("delivery ID"), default=uuid.uuid4, unique=True, help_text=_("The same for every attempt.")
    )
    alert = models.ForeignKey(
        Alert, on_delete=models.CASCADE, null=True, blank=True, related_name="deliveries", verbose_name=_("alert")
    )
    # No separate index, since delivery_of_sink begins with it.
    sink = models.ForeignKey(
        Sink,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="deliveries",
        db_index=False,
        verbose_name=_("sink"),
    )
    image_id = models.BigIntegerField(_("picture ID"), null=True, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.IMAGE)
    # Written with the row, so that each attempt sends the same document.
    payload = models.JSONField(_("message"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("error"), blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), db_default=Now())
    created_at = models.DateTimeField(_("created"), db_default=Now())
    give_up_at = models.DateTimeField(_("last attempt"), help_text=_("A failure after this time is final."))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["image_id", "id"], condition=Q(state="waiting"), name="delivery_order"),
            models.Index(fields=["id"], condition=Q(state="failed"), name="delivery_failed"),
            models.Index(fields=["sink", "state"], condition=Q(sink__isnull=False), name="delivery_of_sink"),
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="delivery_finished"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(alert=None, sink__isnull=False) | Q(alert__isnull=False, sink=None),
                name="delivery_has_one_receiver",
            ),
        ]

    def __str__(self) -> str:
        return str(self.delivery_id)
