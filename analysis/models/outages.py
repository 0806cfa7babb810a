"""What keeps an API from being asked, and which models have answered so far."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from analysis.models.analyses import Analysis


class Outage(models.Model):
    """An API that cannot be asked at present, through no picture's fault. Gone after the next successful probe."""

    recognizer = models.CharField(max_length=20)
    api = models.CharField("API", max_length=12, choices=Analysis.Api)
    code = models.CharField(max_length=80)
    message = models.TextField()
    since = models.DateTimeField(db_default=Now())
    probe_at = models.DateTimeField()
    probes = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recognizer", "api"], name="outage_once")]

    def __str__(self) -> str:
        return f"{self.recognizer} {self.api}: {self.code}"


class ModelVersion(models.Model):
    """A version of a recognizer's model, as its answers name it. The one seen last is the one asked now."""

    recognizer = models.CharField(max_length=20)
    api = models.CharField("API", max_length=12, choices=Analysis.Api)
    version = models.CharField(max_length=40)
    first_seen_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recognizer", "api", "version"], name="model_version_once")]

    def __str__(self) -> str:
        return f"{self.recognizer} {self.api} {self.version}"
