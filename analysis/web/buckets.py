"""Buckets whose pictures stay where they are: what is known of each, whether it can be read, and its sync."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import PermissionDenied
from django.db.models import Count, ProtectedError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis import formatting, permissions, pipeline
from analysis.bucket_sync import connection_check
from analysis.models import Analysis, Bucket, BucketObject
from analysis.web import links, toasts
from analysis.web.http import Request, current_user_id
from analysis.web.toasts import Toast

MOST_ASIDE = 50
WORDS = {
    "new": "New",
    "known": "Known",
    "changed": "Changed",
    "missing": "Missing",
    "refused": "Not accepted before",
    "skipped": "Passed over",
    "failed_analyses": "Analysis failed",
}


@dataclass(frozen=True)
class BucketRow:
    """A bucket as the list shows it."""

    url: str
    name: str
    owner: str
    pictures: str
    synced: str
    is_running: bool
    trouble: str


FIELDS = {"bucket": "name", "region": "region"}
"""The field that a finding about the connection is about."""


class BucketForm(forms.ModelForm):  # type: ignore[type-arg]
    include = SimpleArrayField(forms.CharField(), required=False, help_text="Such as *.jpg, *.png; none: all pictures.")
    exclude = SimpleArrayField(forms.CharField(), required=False, help_text="Such as */thumbs/*.")
    apis = forms.MultipleChoiceField(
        choices=Analysis.Api.choices,
        required=False,
        label="APIs",
        widget=forms.CheckboxSelectMultiple,
        help_text="To have its pictures analyzed with; none are those of every picture.",
    )

    class Meta:
        model = Bucket
        fields = ("name", "prefix", "region", "include", "exclude", "owner", "visibility", "apis", "may_delete")

    def is_reached(self) -> bool:
        """Whether the bucket answers as it is described; says why not, and offers to save it all the same."""
        if not self.is_valid():
            return False
        findings = [] if self.data.get("anyway") else connection_check.unusable(self.instance)
        for finding in findings:
            self.add_error(FIELDS.get(finding.subject), finding.sentence)
        if findings:
            label = _("Save without a connection")
            self.fields["anyway"] = forms.BooleanField(required=False, label=label)
        return not findings


@require_safe
def buckets(request: Request) -> HttpResponse:
    """One's own buckets; all of them for staff."""
    found = permissions.viewable_buckets(request.user).annotate(pictures=Count("images"))
    context = {
        "rows": [_row(each) for each in found],
        "is_staff": permissions.can_view_all_buckets(request.user),
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "buckets/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: Request) -> HttpResponse:
    """Staff alone: whoever names a bucket has the server's own permissions read it."""
    permissions.require_or_404(permissions.can_add_buckets(request.user))
    return _form(request, Bucket(owner_id=current_user_id(request), region=settings.AWS_REGION))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, bucket_id: int) -> HttpResponse:
    permissions.require_or_404(permissions.can_edit_buckets(request.user))
    return _form(request, permissions.get_bucket_or_404(request.user, bucket_id))


@require_POST
def remove(request: Request, bucket_id: int) -> HttpResponse:
    """Forget a bucket that has no pictures in the library; nothing changes in S3."""
    permissions.require_or_404(permissions.can_delete_buckets(request.user))
    shown = permissions.get_bucket_or_404(request.user, bucket_id)
    name = str(shown)
    try:
        shown.delete()
    except ProtectedError:
        number = shown.images.count()
        sentence = _("%(bucket)s was not removed: delete its %(pictures)s first, including those in the trash.")
        toasts.add_toast(request, Toast(sentence % {"bucket": name, "pictures": formatting.pictures(number)}))
        return redirect("bucket", bucket_id)
    toasts.add_toast(request, Toast(_("Removed %(bucket)s. Nothing was changed in S3.") % {"bucket": name}))
    return redirect("buckets")


def _form(request: Request, shown: Bucket) -> HttpResponse:
    """The form; saves what is right, once the bucket was reached."""
    form = BucketForm(request.POST or None, instance=shown, label_suffix="")
    if request.method == "POST" and form.is_reached():
        return redirect("bucket", form.save().pk)
    return render(request, "buckets/add.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def bucket(request: Request, bucket_id: int) -> HttpResponse:
    """What is known of it; with `?check`, what it lets us do."""
    shown = permissions.get_bucket_or_404(request.user, bucket_id)
    findings = list(connection_check.check_connection(shown)) if "check" in request.GET else []
    states = dict(shown.objects_seen.values_list("state").annotate(Count("pk")))
    aside = shown.objects_seen.filter(state__in=[BucketObject.State.REFUSED, BucketObject.State.FAILED])
    context = {
        "bucket": shown,
        "may_edit": permissions.can_edit_buckets(request.user),
        "may_remove": permissions.can_delete_buckets(request.user),
        "row": _row(shown),
        "findings": findings,
        "is_fine": all(finding.is_fine for finding in findings),
        "missing_actions": [finding.action for finding in findings if finding.action],
        "numbers": _numbers(shown, request),
        "may_sync": permissions.can_sync_bucket(request.user, shown),
        "waiting": states.get(BucketObject.State.WAITING, 0),
        "present": states.get(BucketObject.State.PRESENT, 0),
        "library_url": links.with_parameters("/", q=f'bucket:"{shown.name}"'),
        "aside": aside.order_by("key")[:MOST_ASIDE],
        "failed": states.get(BucketObject.State.FAILED, 0),
        "rest": max(states.get("refused", 0) + states.get("failed", 0) - MOST_ASIDE, 0),
        "toasts": toasts.take_toasts(request),
        **_to_paste(request, shown),
    }
    return render(request, "buckets/detail.html", context)


@require_POST
def sync(request: Request, bucket_id: int) -> HttpResponse:
    """Have it compared with the library, and with `repair` what that found put right."""
    shown = permissions.get_bucket_or_404(request.user, bucket_id)
    repair = request.POST.get("repair", "")
    if not permissions.can_sync_bucket(request.user, shown):
        raise PermissionDenied(_("This bucket belongs to someone else. You can look at it, but not sync it."))
    if repair == "failed":
        if not permissions.can_analyze_bucket(request.user, shown):
            raise PermissionDenied(permissions.NO_ANALYSES_MESSAGE)
        number = pipeline.retry_failed(shown)
        toasts.add_toast(request, Toast(f"Asking again about {formatting.pictures(number)}."))
    else:
        pipeline.start_sync(shown.pk, trash_missing=repair == "missing")
        toasts.add_toast(request, Toast(f"Comparing {shown} with the library. New pictures come as they are read."))
    return redirect("bucket", shown.pk)


def _row(each: Bucket) -> BucketRow:
    now = timezone.now()
    is_running = each.sync_claimed_until is not None and each.sync_claimed_until > now
    synced = (
        f"Synced {formatting.ago(each.sync_ended_at, now=now)}" if each.sync_ended_at else "Never synced to its end"
    )
    return BucketRow(
        url=f"/buckets/{each.pk}/",
        name=str(each),
        owner=each.owner.get_username(),
        pictures=formatting.pictures(getattr(each, "pictures", 0)),
        synced="Syncing" if is_running else synced,
        is_running=is_running,
        trouble=each.trouble,
    )


def _numbers(shown: Bucket, request: Request) -> list[dict[str, Any]]:
    """What the last sync found, with what puts it right."""
    repairs = {"missing": "Move to the trash"} if permissions.can_sync_bucket(request.user, shown) else {}
    if permissions.can_analyze_bucket(request.user, shown):
        repairs["failed_analyses"] = "Ask again"
    return [
        {"words": words, "number": f"{shown.report[name]:,}", "name": name, "repair": repairs.get(name, "")}
        for name, words in WORDS.items()
        if shown.report.get(name)
    ]


def _to_paste(request: Request, shown: Bucket) -> dict[str, str]:
    name, region = (
        settings.EVENTS_QUEUE_URL.rpartition("/")[2] or "imagelib-events",
        shown.region or settings.AWS_REGION,
    )
    account = settings.EVENTS_QUEUE_URL.rstrip("/").rpartition("/")[0].rpartition("/")[2] or "123456789012"
    arn = f"arn:aws:sqs:{region or 'us-east-1'}:{account}:{name}"
    said = {
        "policy": connection_check.needed_policy(shown),
        "cors": connection_check.cors_rules(f"{request.scheme}://{request.get_host()}"),
        "notification": connection_check.notification_config(arn, shown.prefix),
    }
    return {key: json.dumps(value, indent=2) for key, value in said.items()}
