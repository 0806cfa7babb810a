"""One row of every model that the admin has, with names that would break a page that does not escape them."""

from __future__ import annotations

from django.utils import timezone

from analysis.models import (
    AddedStatistics,
    Analysis,
    Batch,
    BulkChange,
    Call,
    ConfidenceStatistics,
    EndedStatistics,
    Face,
    Heartbeat,
    ImageText,
    LabelAlias,
    LatencyStatistics,
    ModelVersion,
    Outage,
    PendingBlob,
    Rating,
    SavedSearch,
    Spend,
    SpendEntry,
    StatisticsRun,
    Upload,
    Verdict,
)
from tests.factories import (
    create_analysis,
    create_bucket,
    create_bucket_image,
    create_image,
    create_label,
    create_labeled_image,
)


def one_of_each(owner) -> None:
    image = create_labeled_image(owner, {"Dog": 98})
    create_analysis(create_image(owner, filename="<script>alert(1)</script>.jpg"), state="failed")
    LabelAlias.objects.create(name="Hound", label=create_label("Dog"))
    Verdict.objects.create(image=image, label=create_label("Dog"), decision="confirmed", by=owner)
    PendingBlob.objects.create(key="originals/aa/lost.jpg")
    kind = {"recognizer": "rekognition", "api": "labels"}
    Call.objects.create(**kind, outcome="answered", analysis=Analysis.objects.first())
    Spend.objects.create(**kind, day=timezone.now().date())
    SpendEntry.objects.create(**kind, day=timezone.now().date())
    Outage.objects.create(**kind, code="AccessDenied", message="<script>alert(1)</script>", probe_at=timezone.now())
    ModelVersion.objects.create(**kind, version="3.0")
    Face.objects.create(image=image, left=0, top=0, width=1, height=1, confidence=99)
    ImageText.objects.create(image=image, content="<script>alert(1)</script>")
    Rating.objects.create(image=image, person=owner, is_favorite=True, rating=5)
    BulkChange.objects.create(person=owner, action="trash")
    Batch.objects.create(query="<script>alert(1)</script>", recognizer="rekognition", parameters={"labels": {}})
    Heartbeat.objects.create(name="queue")
    AddedStatistics.objects.create(start=timezone.now(), owner=owner, pictures=1, bytes=1)
    EndedStatistics.objects.create(**kind, start=timezone.now(), owner=owner, answered=1, reused=0, failed=0)
    LatencyStatistics.objects.create(**kind, start=timezone.now(), step=1, answers=1)
    ConfidenceStatistics.objects.create(owner=owner, step=19, labels=1)
    StatisticsRun.objects.create(name="added")
    SavedSearch.objects.create(owner=owner, name="<script>alert(1)</script>", query="dog")
    create_bucket_image(create_bucket(owner, prefix="<script>alert(1)</script>"), "<script>alert(1)</script>.jpg")
    Upload.objects.create(
        owner=owner, key="uploads/1", filename="<script>alert(1)</script>", size=1, expires_at=timezone.now()
    )
