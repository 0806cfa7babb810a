"""S3 buckets whose pictures are indexed in place, and their objects."""

from __future__ import annotations

import re
import secrets

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analysis.models.analyses import Analysis
from analysis.models.images import Image

KEY_LENGTH = 1_024  # S3's maximum, in bytes of UTF-8
SEQUENCER_LENGTH = 32
# Advisory lock while a bucket of one name is checked and saved.
_PREFIX_LOCK = 0x6275_636B


validate_bucket_name = RegexValidator(
    # AWS, "Bucket naming rules". \Z and not $, which also matches before a line feed at the end.
    r"^(?!xn--|sthree-|\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z",
    _(
        "Enter an S3 bucket name: 3 to 63 lowercase letters, digits, hyphens and dots,"
        " with a letter or digit at both ends."
    ),
)
validate_region = RegexValidator(
    r"^(?![0-9]+$)[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\Z",
    _("Enter a region such as eu-central-1: letters, digits and hyphens only."),
)
"""Also allows the region names of S3-compatible servers."""
validate_role_arn = RegexValidator(
    r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}\Z",
    _("Enter the ARN of an IAM role, such as arn:aws:iam::123456789012:role/imagelib."),
    flags=re.ASCII,
)


def new_external_id() -> str:
    """An external ID that nobody can guess or choose."""
    return secrets.token_hex(16)


class Bucket(models.Model):
    """A bucket, or a prefix in it, whose pictures are indexed in place."""

    class RequestedSync(models.TextChoices):
        NONE = "", _("None")
        COMPARE = "compare", _("Compare")
        TRASH_MISSING = "trash", _("Compare, and move missing pictures to the trash")

    name = models.CharField(_("bucket name"), max_length=63, validators=[validate_bucket_name])
    prefix = models.CharField(
        _("prefix"),
        max_length=KEY_LENGTH,
        blank=True,
        help_text=_("Only keys that start with it, for example photos/2024/."),
    )
    region = models.CharField(
        _("region"),
        max_length=32,
        blank=True,
        validators=[validate_region],
        help_text=_("Leave empty for AWS_REGION."),
    )
    role_arn = models.CharField(
        _("role"),
        max_length=600,
        blank=True,
        default="",
        db_default="",
        validators=[validate_role_arn],
        help_text=_("ARN of a role that reads the bucket. Leave empty for imagelib's own permissions."),
    )
    # Ours, and different for each bucket: whoever may add buckets cannot use a role that was granted for another one.
    external_id = models.CharField(
        _("external ID"), max_length=64, default=new_external_id, db_default="", editable=False
    )
    include = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        verbose_name=_("include"),
        help_text=_("Patterns of keys, such as *.jpg. Leave empty for all pictures."),
    )
    exclude = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        verbose_name=_("exclude"),
        help_text=_("Patterns of keys to skip, such as */thumbs/*."),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="buckets", verbose_name=_("owner")
    )
    visibility = models.SmallIntegerField(
        _("visibility"),
        choices=Image.Visibility,
        default=Image.Visibility.PRIVATE,
        help_text=_("For new pictures."),
    )
    apis = ArrayField(
        models.CharField(max_length=20, choices=Analysis.Api),
        default=list,
        blank=True,
        verbose_name=_("APIs"),
        help_text=_("APIs that analyze its pictures. Leave empty for those in RECOGNIZER_APIS."),
    )
    # Off by default: the bucket was there before imagelib, and other programs may use its objects.
    may_delete = models.BooleanField(
        _("delete originals"),
        default=False,
        help_text=_("Permanently deleting a picture also deletes its original from the bucket."),
    )
    may_tag = models.BooleanField(
        _("set tags"),
        default=False,
        db_default=False,
        help_text=_("Sinks may set tags of its objects. Tags that others set stay as they are."),
    )

    has_sidecars = models.BooleanField(
        _("has sidecars"),
        default=False,
        db_default=False,
        editable=False,
        help_text=_("XMP files were seen in it; they are looked for beside each picture."),
    )
    # The key, not S3's continuation token, which expires: StartAfter continues days later as well.
    cursor = models.CharField(
        _("cursor"), max_length=KEY_LENGTH, blank=True, help_text=_("Last key compared by the running sync.")
    )
    report = models.JSONField(
        _("report"), default=dict, blank=True, help_text=_("Counters of the running or the last sync.")
    )
    sync_started_at = models.DateTimeField(_("sync started"), null=True, blank=True)
    sync_ended_at = models.DateTimeField(_("sync finished"), null=True, blank=True)
    # A lease instead of an advisory lock: it ends by itself after a crash, and a sync commits between its pages.
    sync_claimed_until = models.DateTimeField(
        _("sync claimed until"), null=True, blank=True, help_text=_("Lease of the running sync.")
    )
    requested_sync = models.CharField(
        _("requested sync"),
        max_length=12,
        choices=RequestedSync,
        blank=True,
        db_default="",
        editable=False,
        help_text=_("A sync that was requested and has not finished."),
    )
    last_error = models.TextField(
        _("error"), blank=True, db_column="trouble", help_text=_("Why its objects can't be read at present.")
    )
    paused_until = models.DateTimeField(
        _("paused until"), null=True, blank=True, help_text=_("No objects are read before this time.")
    )

    class Meta:
        verbose_name = _("bucket")
        verbose_name_plural = _("buckets")
        constraints = [models.UniqueConstraint(fields=["name", "prefix"], name="bucket_once")]

    def __str__(self) -> str:
        return f"{self.name}/{self.prefix}" if self.prefix else self.name

    def clean(self) -> None:
        """Reject prefixes that overlap another owner's: objects would get two owners.

        In a transaction that then saves it, no other bucket of this name can be added in between.
        """
        with connection.cursor() as cursor:
            # Prefixes overlap without being equal, so no unique constraint can tell. Held until the transaction ends.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_PREFIX_LOCK, self.name])
        others = Bucket.objects.filter(name=self.name).exclude(pk=self.pk).exclude(owner_id=self.owner_id)
        for prefix in others.values_list("prefix", flat=True):
            if prefix.startswith(self.prefix) or self.prefix.startswith(prefix):
                raise ValidationError(
                    _("This prefix overlaps a bucket of another owner. Choose another prefix, or the same owner.")
                )


class BucketObject(models.Model):
    """The last known state of an object in a bucket, and the outcome of its import.

    The table is also the import queue: `waiting` rows whose `next_attempt_at` has passed. A worker claims a row by
    moving that time ahead, so a row comes back if its worker dies.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        PRESENT = "present", _("In the library")
        REFUSED = "refused", _("Rejected")
        FAILED = "failed", _("Failed")
        GONE = "gone", _("No longer in the bucket")
        DROPPED = "dropped", _("Removed from the library, still in the bucket")

    bucket = models.ForeignKey(
        Bucket, on_delete=models.CASCADE, related_name="objects_seen", db_index=False, verbose_name=_("bucket")
    )
    # Collation C sorts by bytes as S3 lists keys, which lets a sync compare both lists page by page.
    key = models.CharField(_("key"), max_length=KEY_LENGTH, db_collation="C")
    version_id = models.CharField(_("version ID"), max_length=KEY_LENGTH, blank=True)
    etag = models.CharField(_("ETag"), max_length=100, blank=True)
    size = models.BigIntegerField(_("size"), default=0, help_text=_("Bytes."))
    sidecar_key = models.CharField(
        _("sidecar"), max_length=KEY_LENGTH, blank=True, db_default="", help_text=_("Key of the XMP file read with it.")
    )
    sidecar_etag = models.CharField(_("ETag of the sidecar"), max_length=100, blank=True, db_default="")
    # S3 events are unordered; their sequencers compare as strings only if padded to one length.
    sequencer = models.CharField(
        _("sequencer"),
        max_length=SEQUENCER_LENGTH,
        blank=True,
        db_collation="C",
        help_text=_("Sequencer of the latest S3 event, padded with zeros."),
    )
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    # An object may be replaced while a worker reads it. The worker's result is saved only if this number is still the
    # same.
    revision = models.PositiveIntegerField(
        _("revision"), default=0, help_text=_("Number of events, to notice changes during an import.")
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), db_default=Now())
    error_code = models.CharField(_("error code"), max_length=80, blank=True)
    reason = models.TextField(_("reason"), blank=True, help_text=_("Why it was rejected or failed."))
    trashed_at = models.DateTimeField(
        _("trashed"),
        null=True,
        blank=True,
        help_text=_("When its picture was moved to the trash because the object was deleted."),
    )
    image = models.OneToOneField(
        Image,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="bucket_object",
        db_index=True,
        verbose_name=_("picture"),
    )

    class Meta:
        verbose_name = _("bucket object")
        verbose_name_plural = _("bucket objects")
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
