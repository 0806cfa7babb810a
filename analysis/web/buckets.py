"""Bucket pages: list, form, connection check and sync."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, ProtectedError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis import audit_log, formatting, permissions, pipeline
from analysis.bucket_sync import connection_check
from analysis.models import AuditEntry, Bucket, BucketObject
from analysis.web import bucket_census, bucket_roles, links, toasts
from analysis.web.bucket_form import BucketForm
from analysis.web.bucket_form_sections import form_sections
from analysis.web.bucket_report import report_counts
from analysis.web.http import Request, current_user_id
from analysis.web.toasts import Toast

MAX_SKIPPED = 50


@dataclass(frozen=True)
class BucketRow:
    url: str
    name: str
    owner: str
    pictures: str
    synced: str
    is_running: bool
    last_error: str


@dataclass(frozen=True)
class ReportRow:
    """A count of the last sync; `repair` is the label of the button that acts on it."""

    name: str
    label: str
    number: str
    repair: str


@require_safe
def buckets(request: Request) -> HttpResponse:
    """The user's buckets; for staff, all buckets."""
    rows = permissions.viewable_buckets(request.user).annotate(pictures=Count("images"))
    context = {
        "rows": [_row(bucket) for bucket in rows],
        "is_staff": permissions.can_view_all_buckets(request.user),
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "buckets/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: Request) -> HttpResponse:
    # Staff only: the bucket is read with the server's AWS permissions, not the user's.
    permissions.require_or_404(permissions.can_add_buckets(request.user))
    return _form(request, Bucket(owner_id=current_user_id(request), region=settings.AWS_REGION))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, bucket_id: int) -> HttpResponse:
    permissions.require_or_404(permissions.can_edit_buckets(request.user))
    return _form(request, permissions.get_bucket_or_404(request.user, bucket_id))


@require_POST
def remove(request: Request, bucket_id: int) -> HttpResponse:
    """Remove a bucket without pictures in the library; nothing changes in S3."""
    permissions.require_or_404(permissions.can_delete_buckets(request.user))
    bucket = permissions.get_bucket_or_404(request.user, bucket_id)
    name = str(bucket)
    try:
        with transaction.atomic():
            audit_log.record(AuditEntry.Action.REMOVE, bucket, by_id=current_user_id(request))
            bucket.delete()
    # The database decides, not an earlier count: a sync may be adding a picture right now.
    except ProtectedError:
        pictures = formatting.pictures(bucket.images.count())
        message = _("%(bucket)s was not removed: delete its %(pictures)s first, including those in the trash.")
        toasts.add_toast(request, Toast(message % {"bucket": name, "pictures": pictures}))
        return redirect("bucket", bucket_id)
    toasts.add_toast(request, Toast(_("Removed %(bucket)s. Nothing was changed in S3.") % {"bucket": name}))
    return redirect("buckets")


def _form(request: Request, bucket: Bucket) -> HttpResponse:
    may_choose_apis = permissions.can_choose_apis(request.user)
    form = BucketForm(request.POST or None, instance=bucket, label_suffix="", may_choose_apis=may_choose_apis)
    if request.method == "POST" and form.is_connected() and form.save_checked(by_id=current_user_id(request)):
        return redirect("bucket", form.instance.pk)
    # 422, since htmx and browsers treat 200 after a POST as success.
    context = {
        "form": form,
        "sections": form_sections(form),
        **bucket_roles.form_context(form.instance, is_checked=bool(form.errors)),
    }
    return render(request, "buckets/add.html", context, status=422 if form.errors else 200)


@require_safe
def bucket(request: Request, bucket_id: int) -> HttpResponse:
    """Status and AWS configuration; with `?check`, also which permissions are granted."""
    bucket = permissions.get_bucket_or_404(request.user, bucket_id)
    findings = (
        list(connection_check.check_connection(bucket, origin=_origin(request))) if "check" in request.GET else []
    )
    may_see_role = permissions.can_see_bucket_roles(request.user)
    states = dict(bucket.objects_seen.values_list("state").annotate(Count("pk")))
    failed = states.get(BucketObject.State.FAILED, 0)
    skipped = bucket.objects_seen.filter(state__in=[BucketObject.State.REFUSED, BucketObject.State.FAILED])
    more = states.get(BucketObject.State.REFUSED, 0) + failed - MAX_SKIPPED
    context = {
        "bucket": bucket,
        "may_edit": permissions.can_edit_buckets(request.user),
        "may_remove": permissions.can_delete_buckets(request.user),
        "row": _row(bucket),
        "findings": findings,
        "is_fine": all(finding.is_fine for finding in findings),
        "lacks_cors": any(item.subject == connection_check.CORS and not item.is_fine for item in findings),
        "missing_actions": [finding.action for finding in findings if finding.action],
        "report": _report_rows(bucket, request),
        "may_sync": permissions.can_sync_bucket(request.user, bucket),
        "pending": formatting.count(states.get(BucketObject.State.WAITING, 0)),
        "present": formatting.count(states.get(BucketObject.State.PRESENT, 0)),
        "library_url": links.with_parameters(reverse("library"), q=f'bucket:"{bucket.name}"'),
        # By key, the order in which S3's console lists them.
        "skipped": skipped.order_by("key")[:MAX_SKIPPED],
        "failed": failed,
        "more": max(more, 0),
        "toasts": toasts.take_toasts(request),
        **_aws_configuration(request, bucket),
        **(bucket_census.context(bucket) if permissions.can_view_censuses(request.user) else {}),
        **(bucket_roles.policies(bucket, is_checked=bool(findings)) if may_see_role else {}),
    }
    return render(request, "buckets/detail.html", context)


@require_POST
def sync(request: Request, bucket_id: int) -> HttpResponse:
    """Start a sync; `missing` also trashes lost pictures.

    `failed` and `skipped` only retry.
    """
    bucket = permissions.get_bucket_or_404(request.user, bucket_id)
    repair = request.POST.get("repair", "")
    if not permissions.can_sync_bucket(request.user, bucket):
        raise PermissionDenied(_("This bucket belongs to someone else. You can view it, but not sync it."))
    if repair == "failed":
        if not permissions.can_analyze_bucket(request.user, bucket):
            raise PermissionDenied(permissions.NO_ANALYSES_MESSAGE)
        pictures = formatting.pictures(pipeline.retry_failed(bucket))
        toasts.add_toast(request, Toast(_("Retrying %(pictures)s.") % {"pictures": pictures}))
    elif repair == "skipped":
        number = pipeline.retry_skipped(bucket)
        message = ngettext("Retrying %(number)s file.", "Retrying %(number)s files.", number)
        toasts.add_toast(request, Toast(formatting.plural(message, number)))
    else:
        pipeline.start_sync(bucket.pk, trash_missing=repair == "missing")
        message = _("Syncing %(bucket)s. New pictures appear as they are imported.")
        toasts.add_toast(request, Toast(message % {"bucket": bucket}))
    return redirect("bucket", bucket.pk)


def _row(bucket: Bucket) -> BucketRow:
    now = timezone.now()
    is_running = bucket.sync_claimed_until is not None and bucket.sync_claimed_until > now
    if is_running:
        synced = _("Syncing")
    elif bucket.sync_ended_at:
        synced = _("Synced %(ago)s") % {"ago": formatting.ago(bucket.sync_ended_at, now=now)}
    else:
        synced = _("Not fully synced yet")
    return BucketRow(
        url=reverse("bucket", args=[bucket.pk]),
        name=str(bucket),
        owner=bucket.owner.get_username(),
        pictures=formatting.pictures(getattr(bucket, "pictures", 0)),
        synced=synced,
        is_running=is_running,
        last_error=bucket.last_error,
    )


def _report_rows(bucket: Bucket, request: Request) -> list[ReportRow]:
    """Counts of the last sync, each with a button that acts on it."""
    repairs = {"missing": _("Move to trash")} if permissions.can_sync_bucket(request.user, bucket) else {}
    if permissions.can_analyze_bucket(request.user, bucket):
        repairs["failed_analyses"] = _("Retry")
    return [
        ReportRow(name, label, number, repairs.get(name, "")) for name, label, number in report_counts(bucket.report)
    ]


def _origin(request: Request) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _aws_configuration(request: Request, bucket: Bucket) -> dict[str, str]:
    """JSON for the AWS console: IAM policy, CORS rules, event notification."""
    # https://sqs.REGION.amazonaws.com/ACCOUNT/NAME; without a queue, examples that AWS would refuse are shown.
    address, _slash, queue = settings.EVENTS_QUEUE_URL.rpartition("/")
    account = address.rpartition("/")[2] or "123456789012"
    region = bucket.region or settings.AWS_REGION or "us-east-1"
    arn = f"arn:aws:sqs:{region}:{account}:{queue or 'imagelib-events'}"
    documents = {
        "policy": connection_check.needed_policy(bucket),
        "cors": connection_check.cors_rules(_origin(request)),
        "notification": connection_check.notification_config(arn, bucket.prefix),
    }
    return {name: json.dumps(document, indent=2) for name, document in documents.items()}
