"""What is true: the tables and the constraints that hold them."""

from analysis.models.analyses import Analysis, AnalysisQuerySet
from analysis.models.batches import Batch, BatchEntry, BatchImage, Heartbeat
from analysis.models.buckets import Bucket, BucketObject, Upload
from analysis.models.bulk_changes import BulkChange, ChangedImage
from analysis.models.images import Image, ImageQuerySet, PendingBlob
from analysis.models.labels import FileKeyword, ImageLabel, Label, LabelAlias, Verdict
from analysis.models.ledger import Call, Spend, SpendEntry
from analysis.models.outages import ModelVersion, Outage
from analysis.models.ratings import Rating, SavedSearch
from analysis.models.search_index import Face, ImageIndex, ImageText
from analysis.models.statistics import (
    AddedStatistics,
    ConfidenceStatistics,
    EndedStatistics,
    LatencyStatistics,
    StatisticsRun,
)
from analysis.models.viewer import Viewer

__all__ = [
    "AddedStatistics",
    "Analysis",
    "AnalysisQuerySet",
    "Viewer",
    "Batch",
    "BatchEntry",
    "BatchImage",
    "Bucket",
    "BucketObject",
    "Call",
    "BulkChange",
    "ChangedImage",
    "ConfidenceStatistics",
    "EndedStatistics",
    "Face",
    "StatisticsRun",
    "FileKeyword",
    "Heartbeat",
    "Image",
    "ImageIndex",
    "ImageLabel",
    "ImageQuerySet",
    "ImageText",
    "Label",
    "LabelAlias",
    "LatencyStatistics",
    "Rating",
    "ModelVersion",
    "Outage",
    "SavedSearch",
    "Spend",
    "SpendEntry",
    "Upload",
    "PendingBlob",
    "Verdict",
]
