"""Buckets whose pictures stay where they are, what was seen in them, and uploads on their way."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analysis.models.analyses import Analysis
from analysis.models.images import Image

KEY_LENGTH = 1_024  # S3's, in bytes
SEQUENCER_LENGTH = 32


validate_bucket_name = RegexValidator(
    r"^(?!xn--|sthree-|\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z",
    _(
        "Enter a bucket name as S3 has it: 3 to 63 lowercase letters, digits, hyphens and dots,"
        " with a letter or digit at both ends."
    ),
)
validate_region = RegexValidator(
    r"^(?![0-9]+$)[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\Z",
    _("Enter a region such as eu-central-1: letters, digits and hyphens only."),
)
"""Also those of S3-compatible servers, whose regions have names of their own."""


class Bucket(models.Model):
    """A bucket, or the part of it below a prefix, whose pictures are indexed and left where they are."""

    name = models.CharField(max_length=63, validators=[validate_bucket_name], help_text="As S3 knows it.")
    prefix = models.CharField(max_length=KEY_LENGTH, blank=True, help_text="Only keys that begin so: photos/2024/")
    region = models.CharField(
        max_length=32, blank=True, validators=[validate_region], help_text="Where it lies; empty is AWS_REGION."
    )
    include = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Patterns of keys to take, such as *.jpg; none are all pictures.",
    )
    exclude = ArrayField(
        models.CharField(max_length=200), default=list, blank=True, help_text="Patterns of keys to leave: */thumbs/*"
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="buckets")
    visibility = models.SmallIntegerField(
        "visibility", choices=Image.Visibility, default=Image.Visibility.PRIVATE, help_text="Of pictures that are new."
    )
    apis = ArrayField(
        models.CharField(max_length=20, choices=Analysis.Api),
        default=list,
        blank=True,
        verbose_name="APIs",
        help_text="To have its pictures analyzed with; none are those of RECOGNIZER_APIS.",
    )
    may_delete = models.BooleanField(
        default=False, help_text="Deleting a picture for good deletes its original in the bucket as well."
    )

    cursor = models.CharField(max_length=KEY_LENGTH, blank=True, help_text="The last key that a sync has compared.")
    report = models.JSONField(
        default=dict, blank=True, help_text="What the present or the last sync found, in numbers."
    )
    sync_started_at = models.DateTimeField(null=True, blank=True)
    sync_ended_at = models.DateTimeField(null=True, blank=True)
    sync_claimed_until = models.DateTimeField(null=True, blank=True, help_text="While somebody is at it.")
    trouble = models.TextField(blank=True, help_text="Why its objects cannot be read at present.")
    paused_until = models.DateTimeField(null=True, blank=True, help_text="Nothing is read before.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "prefix"], name="bucket_once")]

    def __str__(self) -> str:
        return f"{self.name}/{self.prefix}" if self.prefix else self.name

    def clean(self) -> None:
        """Nobody's pictures become somebody else's by being indexed twice."""
        others = Bucket.objects.filter(name=self.name).exclude(pk=self.pk).exclude(owner_id=self.owner_id)
        for prefix in others.values_list("prefix", flat=True):
            if prefix.startswith(self.prefix) or self.prefix.startswith(prefix):
                raise ValidationError(
                    _("This prefix overlaps a bucket of another owner. Choose a prefix outside it, or that owner.")
                )


class BucketObject(models.Model):
    """An object of a bucket as it was last heard of, and what became of it here.

    Also the queue of what is to be read: `waiting` rows whose `next_attempt_at` has come; whoever takes one moves that
    ahead, so that it comes back if it is not done by then.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "To be read"
        PRESENT = "present", "In the library"
        REFUSED = "refused", "Not accepted"
        FAILED = "failed", "Could not be read"
        GONE = "gone", "Not in the bucket any more"
        DROPPED = "dropped", "Removed from the library, left in the bucket"

    bucket = models.ForeignKey(Bucket, on_delete=models.CASCADE, related_name="objects_seen", db_index=False)
    key = models.CharField(max_length=KEY_LENGTH, db_collation="C", help_text="In the order in which S3 lists.")
    version_id = models.CharField(max_length=KEY_LENGTH, blank=True)
    etag = models.CharField("ETag", max_length=100, blank=True)
    size = models.BigIntegerField(default=0, help_text="Bytes.")
    sequencer = models.CharField(
        max_length=SEQUENCER_LENGTH, blank=True, db_collation="C", help_text="Of the latest event, with leading zeros."
    )
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    revision = models.PositiveIntegerField(default=0, help_text="Counts what was heard of it, so that none is missed.")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    error_code = models.CharField(max_length=80, blank=True)
    reason = models.TextField(blank=True, help_text="Why it is refused or could not be read.")
    trashed_at = models.DateTimeField(
        null=True, blank=True, help_text="When its picture went to the trash because the object was gone."
    )
    image = models.OneToOneField(
        Image, on_delete=models.SET_NULL, null=True, blank=True, related_name="bucket_object", db_index=True
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "key"], name="bucketobject_once")]
        indexes = [
            models.Index(
                fields=["bucket", "next_attempt_at"], condition=Q(state="waiting"), name="bucketobject_waiting"
            ),
            models.Index(
                fields=["bucket", "state"],
                condition=Q(state__in=["refused", "failed", "gone", "dropped"]),
                name="bucketobject_aside",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Upload(models.Model):
    """Leave to upload one file: straight to where its bytes are kept, by one person, once, until it expires."""

    class State(models.TextChoices):
        ISSUED = "issued", "Issued"
        ARRIVED = "arrived", "To be checked"
        TAKEN = "taken", "In the library"
        REFUSED = "refused", "Not accepted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tickets")
    key = models.CharField("storage key", max_length=200, unique=True, help_text="Where the bytes arrive.")
    filename = models.CharField(max_length=200)
    size = models.BigIntegerField(help_text="Bytes, as declared.")
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, help_text="As declared, where the browser knew it.")
    state = models.CharField(max_length=8, choices=State, default=State.ISSUED)
    issued_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    image = models.ForeignKey(Image, on_delete=models.SET_NULL, null=True, blank=True, related_name="tickets")
    is_new = models.BooleanField(default=False, help_text="The picture was not in the library before.")
    reason = models.TextField(blank=True, help_text="Why it was not accepted.")
    may_retry = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="arrived"), name="upload_arrived"),
            models.Index(fields=["expires_at"], name="upload_expires"),
        ]

    def __str__(self) -> str:
        return self.filename
