"""Constraints and indexes of the table of pictures."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from analysis.models.expressions import CAMERA_INDEXES, DayOfYear, FoldedTrigrams, by_date_taken

CONSTRAINTS: list[models.BaseConstraint] = [
    models.UniqueConstraint(
        # Pictures in buckets are left out, since the same bytes under two keys are two objects.
        fields=["owner", "sha256"],
        condition=Q(trashed_at=None, bucket=None),
        name="image_bytes_once_per_owner",
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
INDEXES: list[models.Index] = [
    models.Index(fields=["owner", "-added_at", "-id"], condition=Q(trashed_at=None), name="image_newest_of_owner"),
    models.Index(
        fields=["-added_at", "-id"],
        condition=Q(trashed_at=None, visibility__gt=0),
        name="image_newest_open",
    ),
    models.Index(fields=["-added_at", "-id"], condition=Q(trashed_at=None), name="image_newest"),
    # In the default order: a user's own pictures, and shared ones, which may be few among others' private pictures.
    by_date_taken("image_date_taken"),
    by_date_taken("image_taken_of_owner", "owner"),
    by_date_taken("image_taken_open", visibility__gt=0),
    by_date_taken("image_repeated_taken", has_duplicate=True),
    by_date_taken("image_located_taken", latitude__isnull=False, longitude__isnull=False),
    models.Index(Lower("filename"), "id", condition=Q(trashed_at=None), name="image_name"),
    models.Index(fields=["-size", "-id"], condition=Q(trashed_at=None), name="image_size"),
    # For searches that few pictures match; a scan of a million rows takes a quarter of a second.
    models.Index(fields=["width"], name="image_width"),
    models.Index(fields=["height"], name="image_height"),
    models.Index(fields=["owner", "-trashed_at"], condition=~Q(trashed_at=None), name="image_trash"),
    models.Index(fields=["sha256"], name="image_sha256"),
    # Exact copies of an owner, in the order in which they are resolved.
    models.Index(
        fields=["owner", "sha256"],
        condition=Q(trashed_at=None, has_duplicate=True),
        name="image_repeated_bytes",
    ),
    models.Index(fields=["public_id"], condition=Q(visibility__gte=2), name="image_public"),
    models.Index(fields=["phash"], name="image_phash"),
    models.Index(fields=["format"], name="image_format"),
    # Few pictures have unusual camera settings; a scan of a million rows takes a quarter of a second.
    *(
        models.Index(fields=[field], condition=Q(**{f"{field}__isnull": False}), name=f"image_{name}")
        for name, field in CAMERA_INDEXES.items()
    ),
    models.Index(
        fields=["latitude", "longitude"],
        condition=Q(latitude__isnull=False, longitude__isnull=False),
        name="image_coordinates",
    ),
    models.Index(DayOfYear("taken_at"), condition=Q(taken_at__isnull=False), name="image_day_of_year"),
    GinIndex(FoldedTrigrams("place"), name="image_places", condition=~Q(place=""), fastupdate=False),
    GinIndex(FoldedTrigrams("city"), name="image_cities", condition=~Q(city=""), fastupdate=False),
    # Pages and counts of a folder, without reading the table.
    models.Index(
        fields=["folder", "-added_at", "-id"],
        include=["owner", "visibility"],
        condition=Q(trashed_at=None),
        name="image_folder",
    ),
    models.Index(fields=["camera_make", "camera_model", "lens"], name="image_camera"),
    GinIndex(FoldedTrigrams("filename", "title"), name="image_names", fastupdate=False),
    GinIndex(fields=["phash_chunks"], name="image_phash_chunks", fastupdate=False),
]
