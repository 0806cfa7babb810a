"""Pictures and the blobs that belong to none yet."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Coalesce, Lower, Now
from django.urls import reverse

from analysis.models.viewer import Viewer


class NameTrigrams(models.Func):
    """All characters of a name and all its runs of three: whoever has a part of it has those of the part, too.

    Made of what every PostgreSQL has and what always answers the same, as an index needs it.
    """

    arg_joiner = " || chr(10) || "
    output_field = ArrayField(models.TextField())
    _threes = (
        "string_to_array(regexp_replace(substr(lower(%(expressions)s), {}), '(...)', '\\1' || chr(1), 'g'), chr(1))"
    )
    _pieces = ("string_to_array(lower(%(expressions)s), NULL)", *map(_threes.format, (1, 2, 3)))
    template = f"({' || '.join(_pieces)})"


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, viewer: Viewer) -> ImageQuerySet:
        """Pictures this viewer may see in the library: theirs or opened to them, and not in the trash."""
        return self.filter(viewer.visible_filter(), trashed_at=None)

    def editable_by(self, person_id: int | None) -> ImageQuerySet:
        """Pictures this person may change, in the trash or not: `Image.is_editable_by` as a condition."""
        return self.filter(owner_id=person_id) if person_id is not None else self.none()


class Image(models.Model):
    """One picture: its original in storage, its renditions, and what its own bytes tell."""

    class Visibility(models.IntegerChoices):
        """Who may see it. A number, since search compares it inside an index."""

        PRIVATE = 0, "Private"
        SHARED = 1, "Shared with everyone signed in"
        PUBLIC = 2, "Public"

    class Format(models.TextChoices):
        JPEG = "jpeg", "JPEG"
        PNG = "png", "PNG"
        WEBP = "webp", "WebP"
        GIF = "gif", "GIF"
        TIFF = "tiff", "TIFF"
        BMP = "bmp", "BMP"
        HEIC = "heic", "HEIC"
        AVIF = "avif", "AVIF"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="images")
    visibility = models.SmallIntegerField("visibility", choices=Visibility, default=Visibility.PRIVATE)
    filename = models.CharField(max_length=200, help_text="As it came, cleaned. Shown, never used as a path.")
    title = models.CharField(max_length=200, blank=True)

    bucket = models.ForeignKey(
        "Bucket",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="images",
        help_text="Where the original stays; none: uploaded here.",
    )
    key = models.CharField(max_length=1_024, help_text="Of the original, in our storage or in its bucket.")
    version_id = models.CharField(max_length=1_024, blank=True, db_default="", help_text="In a bucket with versions.")
    etag = models.CharField(
        "ETag", max_length=100, blank=True, db_default="", help_text="The bucket's, when it was read."
    )
    original_replaced_at = models.DateTimeField(
        null=True, blank=True, help_text="When the present original took another's place in the bucket."
    )
    sequencer = models.CharField(max_length=32, blank=True, db_default="", help_text="Of the event that told of it.")
    renditions_id = models.UUIDField("renditions", help_text="Names the thumb and the preview in storage.")
    sha256 = models.CharField("SHA-256", max_length=64, help_text="Of the original's bytes, in hexadecimal.")
    size = models.BigIntegerField(help_text="Bytes of the original.")
    width = models.PositiveIntegerField(help_text="Pixels, upright.")
    height = models.PositiveIntegerField(help_text="Pixels, upright.")
    format = models.CharField(max_length=8, choices=Format)
    orientation = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="EXIF's, of the original's stored pixels: 1 is upright."
    )
    phash = models.BigIntegerField("perceptual hash", null=True, blank=True, help_text="64-bit DCT hash, signed.")
    signature = models.BinaryField(
        blank=True, db_default=b"", help_text="What the hash does not tell: 192 finer bits, then the mean color."
    )
    phash_chunks = models.GeneratedField(
        expression=Func(
            F("phash"),
            template="ARRAY["
            "(%(expressions)s & 65535)::int, "
            "(%(expressions)s >> 16 & 65535)::int + 65536, "
            "(%(expressions)s >> 32 & 65535)::int + 131072, "
            "(%(expressions)s >> 48 & 65535)::int + 196608]",
        ),
        output_field=ArrayField(models.IntegerField()),
        db_persist=True,
        help_text="The hash's four quarters, numbered: of hashes at most 7 bits apart one differs in at most one bit.",
    )
    has_duplicate = models.BooleanField(
        "repeated",
        default=False,
        db_default=False,
        help_text="Another picture has, or had, the same bytes or the same perceptual hash.",
    )
    placeholder = models.BinaryField(blank=True, help_text="A tiny WebP that stands in until the thumb has arrived.")

    taken_at = models.DateTimeField(
        null=True, blank=True, help_text="What the camera's clock showed, kept as if it were UTC."
    )
    taken_offset = models.SmallIntegerField(
        null=True, blank=True, help_text="Minutes of the camera's clock from UTC; empty where the file does not say."
    )
    camera_make = models.CharField(max_length=100, blank=True)
    camera_model = models.CharField(max_length=100, blank=True)
    lens = models.CharField(max_length=100, blank=True)
    exposure = models.CharField(max_length=20, blank=True, db_default="", help_text="1/250 s")
    aperture = models.CharField(max_length=20, blank=True, db_default="", help_text="f/2.8")
    iso = models.PositiveIntegerField("ISO", null=True, blank=True)
    focal_length = models.CharField(max_length=20, blank=True, db_default="", help_text="35 mm")
    description = models.TextField(blank=True, db_default="", help_text="As the file or its sidecar says.")
    place = models.CharField(max_length=200, blank=True, db_default="", help_text="Names, from the narrowest on.")
    creator = models.CharField(max_length=200, blank=True, db_default="")
    copyright = models.CharField(max_length=200, blank=True, db_default="")
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)

    added_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True, blank=True)
    public_id = models.UUIDField(
        "public address",
        db_default=RandomUUID(),
        editable=False,
        help_text="Names the picture to people who are not signed in, while it is public. Cannot be guessed.",
    )

    objects = ImageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "sha256"], condition=Q(trashed_at=None, bucket=None), name="image_bytes_once_per_owner"
            ),
            models.UniqueConstraint(fields=["key"], condition=Q(bucket=None), name="image_key_of_upload"),
            models.UniqueConstraint(
                fields=["bucket", "key", "version_id"],
                condition=~Q(bucket=None),
                nulls_distinct=False,
                name="image_in_bucket_once",
            ),
            models.CheckConstraint(condition=Q(visibility__in=[0, 1, 2]), name="image_visibility_known"),
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0, size__gt=0), name="image_has_extent"),
        ]
        indexes = [
            models.Index(
                fields=["owner", "-added_at", "-id"], condition=Q(trashed_at=None), name="image_newest_of_owner"
            ),
            models.Index(
                fields=["-added_at", "-id"], condition=Q(trashed_at=None, visibility__gt=0), name="image_newest_open"
            ),
            models.Index(fields=["-added_at", "-id"], condition=Q(trashed_at=None), name="image_newest"),
            models.Index(
                Coalesce("taken_at", "added_at").desc(),
                F("id").desc(),
                condition=Q(trashed_at=None),
                name="image_taken",
            ),
            models.Index(Lower("filename"), "id", condition=Q(trashed_at=None), name="image_name"),
            models.Index(fields=["-size", "-id"], condition=Q(trashed_at=None), name="image_size"),
            # As they lie all of them take a quarter of a second: these tell where few are so narrow or so low.
            models.Index(fields=["width"], name="image_width"),
            models.Index(fields=["height"], name="image_height"),
            models.Index(fields=["owner", "-trashed_at"], condition=~Q(trashed_at=None), name="image_trash"),
            models.Index(fields=["sha256"], name="image_sha256"),
            models.Index(fields=["public_id"], condition=Q(visibility__gte=2), name="image_public"),
            models.Index(fields=["phash"], name="image_phash"),
            models.Index(
                fields=["-added_at", "-id"], condition=Q(trashed_at=None, has_duplicate=True), name="image_repeated"
            ),
            models.Index(
                fields=["-added_at", "-id"],
                condition=Q(trashed_at=None, latitude__isnull=False, longitude__isnull=False),
                name="image_located",
            ),
            models.Index(fields=["format"], name="image_format"),
            models.Index(fields=["camera_make", "camera_model", "lens"], name="image_camera"),
            GinIndex(NameTrigrams("filename", "title"), name="image_names", fastupdate=False),
            GinIndex(fields=["phash_chunks"], name="image_phash_chunks", fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.title or self.filename

    def get_absolute_url(self) -> str:
        return reverse("image", args=[self.pk])

    def get_public_url(self) -> str:
        """For people who are not signed in."""
        return reverse("public", args=[self.public_id])

    def is_editable_by(self, person_id: int | None) -> bool:
        """Whether this person may change it: `editable_by` for one picture."""
        return person_id is not None and self.owner_id == person_id


class PendingBlob(models.Model):
    """A storage key that no picture owns: written down before the blob is, struck out with the picture's own row.

    What is still here after a while was left by a crash or a removal and is deleted by the sweeper, so no blob stays
    without a row and nobody has to list a bucket to find out.
    """

    key = models.CharField(max_length=200, unique=True)
    since = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return self.key
