"""One row of every model that the admin has, with names that would break a page that does not escape them."""

from __future__ import annotations

from django.utils import timezone

from analysis.models import (
    AddedFigure,
    Analysis,
    Batch,
    Call,
    Change,
    ConfidenceFigure,
    EndedFigure,
    Face,
    FigureRun,
    Heartbeat,
    ImageText,
    LabelAlias,
    LatencyFigure,
    Mark,
    ModelVersion,
    Outage,
    SavedSearch,
    Spend,
    SpendEntry,
    Ticket,
    UnclaimedBlob,
    Verdict,
)
from tests.factories import a_bucket, a_label, a_labeled_image, an_analysis, an_image, an_image_in


def one_of_each(owner) -> None:
    image = a_labeled_image(owner, {"Dog": 98})
    an_analysis(an_image(owner, filename="<script>alert(1)</script>.jpg"), state="failed")
    LabelAlias.objects.create(name="Hound", label=a_label("Dog"))
    Verdict.objects.create(image=image, label=a_label("Dog"), decision="confirmed", by=owner)
    UnclaimedBlob.objects.create(key="originals/aa/lost.jpg")
    kind = {"recognizer": "rekognition", "api": "labels"}
    Call.objects.create(**kind, outcome="answered", analysis=Analysis.objects.first())
    Spend.objects.create(**kind, day=timezone.now().date())
    SpendEntry.objects.create(**kind, day=timezone.now().date())
    Outage.objects.create(**kind, code="AccessDenied", message="<script>alert(1)</script>", probe_at=timezone.now())
    ModelVersion.objects.create(**kind, version="3.0")
    Face.objects.create(image=image, left=0, top=0, width=1, height=1, confidence=99)
    ImageText.objects.create(image=image, content="<script>alert(1)</script>")
    Mark.objects.create(image=image, person=owner, is_favorite=True, rating=5)
    Change.objects.create(person=owner, action="trash")
    Batch.objects.create(query="<script>alert(1)</script>", recognizer="rekognition", parameters={"labels": {}})
    Heartbeat.objects.create(name="queue")
    AddedFigure.objects.create(start=timezone.now(), owner=owner, pictures=1, bytes=1)
    EndedFigure.objects.create(**kind, start=timezone.now(), owner=owner, answered=1, reused=0, failed=0)
    LatencyFigure.objects.create(**kind, start=timezone.now(), step=1, answers=1)
    ConfidenceFigure.objects.create(owner=owner, step=19, labels=1)
    FigureRun.objects.create(name="added")
    SavedSearch.objects.create(owner=owner, name="<script>alert(1)</script>", query="dog")
    an_image_in(a_bucket(owner, prefix="<script>alert(1)</script>"), "<script>alert(1)</script>.jpg")
    Ticket.objects.create(
        owner=owner, key="uploads/1", filename="<script>alert(1)</script>", size=1, expires_at=timezone.now()
    )
