"""Tables and constraints; `Viewer` is the only class here without a table."""

from analysis.models.analyses import Analysis, AnalysisQuerySet
from analysis.models.batches import Batch, BatchEntry, BatchImage
from analysis.models.buckets import Bucket, BucketObject
from analysis.models.bulk_changes import BulkChange, ChangedImage
from analysis.models.heartbeat import Heartbeat
from analysis.models.idempotent_requests import IdempotentRequest
from analysis.models.images import Image, ImageQuerySet, PendingBlob
from analysis.models.labels import FileKeyword, ImageLabel, Label, LabelAlias, Verdict
from analysis.models.ledger import Call, Spend, SpendEntry
from analysis.models.model_versions import ModelVersion
from analysis.models.outages import Outage
from analysis.models.ratings import Rating
from analysis.models.saved_searches import SavedSearch
from analysis.models.search_index import Face, ImageIndex, ImageText
from analysis.models.statistics import (
    AddedStatistics,
    ConfidenceStatistics,
    EndedStatistics,
    LatencyStatistics,
    StatisticsRun,
)
from analysis.models.uploads import Upload
from analysis.models.viewer import Viewer

__all__ = [
    "AddedStatistics",
    "Analysis",
    "AnalysisQuerySet",
    "Batch",
    "BatchEntry",
    "BatchImage",
    "Bucket",
    "BucketObject",
    "BulkChange",
    "Call",
    "ChangedImage",
    "ConfidenceStatistics",
    "EndedStatistics",
    "Face",
    "FileKeyword",
    "Heartbeat",
    "IdempotentRequest",
    "Image",
    "ImageIndex",
    "ImageLabel",
    "ImageQuerySet",
    "ImageText",
    "Label",
    "LabelAlias",
    "LatencyStatistics",
    "ModelVersion",
    "Outage",
    "PendingBlob",
    "Rating",
    "SavedSearch",
    "Spend",
    "SpendEntry",
    "StatisticsRun",
    "Upload",
    "Verdict",
    "Viewer",
]
