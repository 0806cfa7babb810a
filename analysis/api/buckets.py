"""Buckets: list, detail and sync."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Schema

from analysis import permissions, pipeline
from analysis.api import pagination
from analysis.api.authentication import ADMIN
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.responses import json_response
from analysis.models import Bucket, BucketObject

router = Router(tags=["Buckets"])


class BucketOut(Schema):
    """A bucket; `waiting` objects are queued, `failed` ones could not be read.

    `role_arn` and `external_id` are empty for users who may not change buckets.
    """

    id: int
    name: str
    prefix: str
    region: str
    role_arn: str
    external_id: str
    owner: str
    is_syncing: bool
    synced_at: datetime | None
    last_error: str
    images: int
    waiting: int
    failed: int


class BucketList(Schema):
    items: list[BucketOut]
    next: str


@router.get("/buckets", response=BucketList, auth=ADMIN)
def list_buckets(request: HttpRequest, cursor: CursorParam, limit: LimitParam) -> dict[str, Any]:
    """Buckets whose images are yours; all buckets for staff with permission."""
    rows = permissions.viewable_buckets(request.user)
    page, following = pagination.page_by_id(rows, cursor=cursor, limit=limit, of="buckets")
    return {"items": [_out(bucket, request) for bucket in page], "next": following}


@router.get("/buckets/{int:bucket_id}", response=BucketOut, auth=ADMIN)
def get_bucket(request: HttpRequest, bucket_id: int) -> BucketOut:
    """One bucket, with counts of its objects."""
    return _out(permissions.get_bucket_or_404(request.user, bucket_id), request)


@router.post("/buckets/{int:bucket_id}/sync", response={202: BucketOut}, auth=ADMIN)
def sync_bucket(request: HttpRequest, bucket_id: int) -> HttpResponse:
    """Start a sync in the background.

    New images are analyzed according to the bucket's settings.
    """
    bucket = permissions.get_bucket_or_404(request.user, bucket_id)
    if not permissions.can_sync_bucket(request.user, bucket):
        raise PermissionDenied(_("This bucket belongs to someone else. You can view it, but not sync it."))
    pipeline.start_sync(bucket.pk)
    return json_response(_out(bucket, request).model_dump(), status=202)


def _out(bucket: Bucket, request: HttpRequest) -> BucketOut:
    may_see_role = permissions.can_see_bucket_roles(request.user)
    states = dict(bucket.objects_seen.values_list("state").annotate(Count("pk")))
    return BucketOut(
        id=bucket.pk,
        name=bucket.name,
        prefix=bucket.prefix,
        region=bucket.region,
        role_arn=bucket.role_arn if may_see_role else "",
        external_id=bucket.external_id if may_see_role else "",
        owner=bucket.owner.get_username(),
        is_syncing=bucket.sync_claimed_until is not None and bucket.sync_claimed_until > timezone.now(),
        synced_at=bucket.sync_ended_at,
        last_error=bucket.last_error,
        images=states.get(BucketObject.State.PRESENT, 0),
        waiting=states.get(BucketObject.State.WAITING, 0),
        failed=states.get(BucketObject.State.FAILED, 0),
    )
