"""Tables and constraints; `Viewer` is the only class here without a table."""

from analysis.models.analyses import Analysis, AnalysisQuerySet
from analysis.models.backfills import Backfill
from analysis.models.batches import Batch, BatchEntry, BatchImage
from analysis.models.buckets import Bucket, BucketObject
from analysis.models.bulk_changes import BulkChange, ChangedImage
from analysis.models.cities import City
from analysis.models.deliveries import Alert, AlertMatch, Delivery, ImageEvent, Sink, SinkRun
from analysis.models.embeddings import ImageEmbedding
from analysis.models.exports import Export
from analysis.models.folders import Folder
from analysis.models.heartbeat import Heartbeat
from analysis.models.idempotent_requests import IdempotentRequest
from analysis.models.images import Image, ImageQuerySet
from analysis.models.labels import FileKeyword, ImageLabel, Label, LabelAlias, LabelAncestor, Verdict
from analysis.models.ledger import Call, Spend, SpendEntry
from analysis.models.model_versions import ModelVersion
from analysis.models.outages import Outage
from analysis.models.pending_blobs import PendingBlob
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
    "Alert",
    "AlertMatch",
    "Analysis",
    "AnalysisQuerySet",
    "Backfill",
    "Batch",
    "BatchEntry",
    "BatchImage",
    "Bucket",
    "BucketObject",
    "BulkChange",
    "Call",
    "ChangedImage",
    "City",
    "ConfidenceStatistics",
    "Delivery",
    "EndedStatistics",
    "Export",
    "Face",
    "FileKeyword",
    "Folder",
    "Heartbeat",
    "IdempotentRequest",
    "Image",
    "ImageEmbedding",
    "ImageEvent",
    "ImageIndex",
    "ImageLabel",
    "ImageQuerySet",
    "ImageText",
    "Label",
    "LabelAlias",
    "LabelAncestor",
    "LatencyStatistics",
    "ModelVersion",
    "Outage",
    "PendingBlob",
    "Rating",
    "SavedSearch",
    "Sink",
    "SinkRun",
    "Spend",
    "SpendEntry",
    "StatisticsRun",
    "Upload",
    "Verdict",
    "Viewer",
]
