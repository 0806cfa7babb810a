"""Pictures: the original, its renditions and the metadata of the file."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Func
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from analysis.models.image_indexes import CONSTRAINTS, INDEXES
from analysis.models.viewer import Viewer


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, viewer: Viewer) -> ImageQuerySet:
        """The viewer's own pictures and those shared with them, without the trash."""
        return self.filter(viewer.visible_filter(), trashed_at=None)

    def editable_by(self, person_id: int | None) -> ImageQuerySet:
        """`Image.is_editable_by` as a queryset; includes the trash."""
        return self.filter(owner_id=person_id) if person_id is not None else self.none()


class Image(models.Model):
    """One picture: its original, its renditions and the metadata of the file."""

    class Visibility(models.IntegerChoices):
        """Ordered from private to public: search compares the number inside an index."""

        PRIVATE = 0, _("Private")
        SHARED = 1, _("Shared with everyone signed in")
        PUBLIC = 2, _("Public")

        @property
        def short_label(self) -> str:
            """One word, for buttons and narrow columns."""
            return gettext("Shared") if self == Image.Visibility.SHARED else str(self.label)

    class Format(models.TextChoices):
        JPEG = "jpeg", "JPEG"
        PNG = "png", "PNG"
        WEBP = "webp", "WebP"
        GIF = "gif", "GIF"
        TIFF = "tiff", "TIFF"
        BMP = "bmp", "BMP"
        HEIC = "heic", "HEIC"
        AVIF = "avif", "AVIF"

    # PROTECT: deleting a user must not delete pictures. They are transferred or deleted forever first.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="images", verbose_name=_("owner")
    )
    visibility = models.SmallIntegerField(_("visibility"), choices=Visibility, default=Visibility.PRIVATE)
    filename = models.CharField(
        _("file name"), max_length=200, help_text=_("Original file name, sanitized; never used as a path.")
    )
    title = models.CharField(_("title"), max_length=200, blank=True)

    bucket = models.ForeignKey(
        "Bucket",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="images",
        verbose_name=_("bucket"),
        help_text=_("Where the original is; empty for uploads."),
    )
    key = models.CharField(
        _("storage key"), max_length=1_024, help_text=_("Key of the original, in imagelib's storage or in its bucket.")
    )
    folder = models.ForeignKey(
        "Folder",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="images",
        db_index=False,
        verbose_name=_("folder"),
        help_text=_("Of the bucket, or where the file was uploaded or imported from."),
    )
    # db_default, here and below: a column added with a constant default does not rewrite a table of millions of rows,
    # and rows that SQL inserts get the value, too.
    version_id = models.CharField(
        _("version ID"), max_length=1_024, blank=True, db_default="", help_text=_("In buckets with versioning.")
    )
    # Only compared: for multipart uploads and KMS encryption it is not the MD5 of the file.
    etag = models.CharField(
        _("ETag"), max_length=100, blank=True, db_default="", help_text=_("ETag of the object when it was imported.")
    )
    original_replaced_at = models.DateTimeField(
        _("original replaced"),
        null=True,
        blank=True,
        help_text=_("When the object in the bucket was last overwritten."),
    )
    sequencer = models.CharField(
        _("sequencer"), max_length=32, blank=True, db_default="", help_text=_("Sequencer of the latest S3 event.")
    )
    # Random, since visitors could guess the picture's ID; new for each set of renditions, so that browsers and CDNs may
    # cache them forever.
    renditions_id = models.UUIDField(_("renditions"), help_text=_("Part of the storage keys of thumbnail and preview."))
    sha256 = models.CharField(_("SHA-256"), max_length=64, help_text=_("Of the original file, in hexadecimal."))
    size = models.BigIntegerField(_("size"), help_text=_("Bytes of the original."))
    width = models.PositiveIntegerField(_("width"), help_text=_("Pixels, after EXIF rotation."))
    height = models.PositiveIntegerField(_("height"), help_text=_("Pixels, after EXIF rotation."))
    format = models.CharField(_("format"), max_length=8, choices=Format)
    orientation = models.PositiveSmallIntegerField(
        _("orientation"), null=True, blank=True, help_text=_("EXIF orientation of the original; 1 is upright.")
    )
    phash = models.BigIntegerField(
        _("perceptual hash"), null=True, blank=True, help_text=_("64-bit DCT hash as a signed integer.")
    )
    signature = models.BinaryField(
        _("signature"),
        blank=True,
        db_default=b"",
        help_text=_("Details beyond the perceptual hash: 192 finer bits, then the mean color."),
    )
    # Of two hashes that differ in at most 7 bits, one of the four quarters differs in at most one bit, so similar
    # pictures are found by a few exact lookups in the GIN index.
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
        verbose_name=_("perceptual hash chunks"),
    )
    has_duplicate = models.BooleanField(
        _("has duplicate"),
        default=False,
        db_default=False,
        help_text=_("Another picture has or had the same bytes or perceptual hash."),
    )
    placeholder = models.BinaryField(
        _("placeholder"), blank=True, help_text=_("Tiny WebP shown until the thumbnail is loaded.")
    )

    # Cameras store local time, most without an offset. Pictures are sorted and shown by the camera's clock, so that a
    # trip is in order even across time zones.
    taken_at = models.DateTimeField(
        _("taken"), null=True, blank=True, help_text=_("Time on the camera's clock, stored as if it were UTC.")
    )
    taken_offset = models.SmallIntegerField(
        _("UTC offset"),
        null=True,
        blank=True,
        help_text=_("Offset of the camera's clock from UTC in minutes; empty if unknown."),
    )
    is_file_date = models.BooleanField(
        _("date of the file"),
        default=False,
        db_default=False,
        editable=False,
        help_text=_("The picture has no date; its file date is used as the date taken."),
    )
    camera_make = models.CharField(_("camera make"), max_length=100, blank=True)
    camera_model = models.CharField(_("camera model"), max_length=100, blank=True)
    lens = models.CharField(_("lens"), max_length=100, blank=True)
    exposure = models.CharField(
        _("exposure time"), max_length=20, blank=True, db_default="", help_text=_("For example 1/250 s.")
    )
    aperture = models.CharField(
        _("aperture"), max_length=20, blank=True, db_default="", help_text=_("For example f/2.8.")
    )
    iso = models.PositiveIntegerField(_("ISO"), null=True, blank=True)
    focal_length = models.CharField(
        _("focal length"), max_length=20, blank=True, db_default="", help_text=_("For example 35 mm.")
    )
    exposure_seconds = models.FloatField(_("exposure time in seconds"), null=True, blank=True, editable=False)
    f_number = models.FloatField(_("f-number"), null=True, blank=True, editable=False)
    focal_millimeters = models.FloatField(_("focal length in millimeters"), null=True, blank=True, editable=False)
    description = models.TextField(
        _("description"), blank=True, db_default="", help_text=_("From the file or its sidecar.")
    )
    place = models.CharField(
        _("place"), max_length=200, blank=True, db_default="", help_text=_("Place names, most specific first.")
    )
    city = models.CharField(
        _("nearest city"),
        max_length=200,
        blank=True,
        db_default="",
        editable=False,
        help_text=_("City, region and country by the coordinates."),
    )
    creator = models.CharField(_("creator"), max_length=200, blank=True, db_default="")
    copyright = models.CharField(_("copyright"), max_length=200, blank=True, db_default="")
    # Two columns, since PostGIS is missing on many servers and searches only compare boxes and distances.
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)

    # Edits overwrite the columns, so that searches and sorting read one column; the replaced values are kept here.
    file_values = models.JSONField(
        _("values from the file"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The values from the file, for each edited field."),
    )
    quarter_turns = models.SmallIntegerField(
        _("quarter turns"),
        default=0,
        db_default=0,
        editable=False,
        help_text=_("Clockwise turns of the upright file in which the picture is shown."),
    )

    added_at = models.DateTimeField(_("added"), db_default=Now())
    trashed_at = models.DateTimeField(_("trashed"), null=True, blank=True)
    # Random, so that a public picture's address does not reveal how many pictures there are, or lead to the next one.
    public_id = models.UUIDField(
        _("public ID"),
        db_default=RandomUUID(),
        editable=False,
        help_text=_("Random part of the public address, which works while the picture is public."),
    )

    objects = ImageQuerySet.as_manager()

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints = CONSTRAINTS
        indexes = INDEXES

    def __str__(self) -> str:
        return self.title or self.filename

    def get_absolute_url(self) -> str:
        return reverse("image", args=[self.pk])

    def get_public_url(self) -> str:
        """Address for visitors who are not signed in."""
        return reverse("public", args=[self.public_id])

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height as the picture is shown, after its quarter turns."""
        return (self.height, self.width) if self.quarter_turns % 2 else (self.width, self.height)

    @property
    def taken_source(self) -> str:
        """Source of the date taken, or "" without one.

        `person` who edited it, `picture` by its metadata or sidecar, or `file` by when it was last changed.
        """
        if "taken" in (self.file_values or {}):
            return "person"
        if self.taken_at is None:
            return ""
        return "file" if self.is_file_date else "picture"

    def is_editable_by(self, person_id: int | None) -> bool:
        """True if the user may edit this picture, like `ImageQuerySet.editable_by`."""
        return person_id is not None and self.owner_id == person_id
