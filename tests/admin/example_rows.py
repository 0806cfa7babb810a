"""One row of every model in the admin, with names that break unescaped HTML."""

from __future__ import annotations

from django.utils import timezone

from analysis import audit_log
from analysis.models import (
    AddedStatistics,
    Analysis,
    Batch,
    Bucket,
    BulkChange,
    Call,
    Collection,
    ConfidenceStatistics,
    EndedStatistics,
    Face,
    Heartbeat,
    IdempotentRequest,
    ImageText,
    LabelAlias,
    LatencyStatistics,
    ModelVersion,
    OriginalDeletion,
    Outage,
    PendingBlob,
    Rating,
    SavedSearch,
    ShareLink,
    Spend,
    SpendEntry,
    StatisticsRun,
    TrashDeletion,
    Upload,
    Verdict,
    WorkLease,
)
from imagelib.accounts import api_tokens
from tests.factories import (
    create_analysis,
    create_bucket,
    create_bucket_image,
    create_image,
    create_label,
    create_labeled_image,
)


def create_example_rows(owner) -> None:
    image = create_labeled_image(owner, {"Dog": 98})
    create_analysis(create_image(owner, filename="<script>alert(1)</script>.jpg"), state="failed")
    LabelAlias.objects.create(name="Hound", label=create_label("Dog"))
    Verdict.objects.create(image=image, label=create_label("Dog"), decision="confirmed", by=owner)
    PendingBlob.objects.create(key="originals/aa/lost.jpg")
    service = {"recognizer": "rekognition", "api": "labels"}
    Call.objects.create(**service, outcome="answered", analysis=Analysis.objects.first())
    Spend.objects.create(**service, day=timezone.now().date())
    SpendEntry.objects.create(**service, day=timezone.now().date())
    Outage.objects.create(**service, code="AccessDenied", message="<script>alert(1)</script>", probe_at=timezone.now())
    ModelVersion.objects.create(**service, version="3.0")
    Face.objects.create(image=image, left=0, top=0, width=1, height=1, confidence=99)
    ImageText.objects.create(image=image, content="<script>alert(1)</script>")
    Rating.objects.create(image=image, person=owner, is_favorite=True, rating=5)
    BulkChange.objects.create(person=owner, action="trash")
    audit_log.record("trash", image, by_id=owner.pk)
    TrashDeletion.objects.create(person=owner, trashed_until=timezone.now())
    Batch.objects.create(query="<script>alert(1)</script>", recognizer="rekognition", parameters={"labels": {}})
    Heartbeat.objects.create(name="queue")
    WorkLease.objects.create(host="<script>alert(1)</script>")
    token, _text = api_tokens.create(owner, name="<script>alert(1)</script>", scopes=["read"], days=30)
    IdempotentRequest.objects.create(token=token, key="<script>alert(1)</script>", fingerprint="0" * 64)
    AddedStatistics.objects.create(start=timezone.now(), owner=owner, pictures=1, bytes=1)
    EndedStatistics.objects.create(**service, start=timezone.now(), owner=owner, answered=1, reused=0, failed=0)
    LatencyStatistics.objects.create(**service, start=timezone.now(), step=1, answers=1)
    ConfidenceStatistics.objects.create(owner=owner, step=19, labels=1)
    StatisticsRun.objects.create(name="added")
    collection = Collection.objects.create(owner=owner, name="<script>alert(1)</script>")
    ShareLink.objects.create(owner=owner, collection=collection)
    SavedSearch.objects.create(owner=owner, name="<script>alert(1)</script>", query="dog")
    create_bucket_image(create_bucket(owner, prefix="<script>alert(1)</script>"), "<script>alert(1)</script>.jpg")
    OriginalDeletion.objects.create(
        bucket=Bucket.objects.first(), key="<script>alert(1)</script>", image_id=1, filename="<script>alert(1)</script>"
    )
    Upload.objects.create(
        owner=owner, key="uploads/1", filename="<script>alert(1)</script>", size=1, expires_at=timezone.now()
    )
