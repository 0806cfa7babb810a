"""Tables and constraints; `Viewer` is the only class here without a table."""

from analysis.models.analyses import Analysis, AnalysisQuerySet
from analysis.models.attempts import AttemptCount
from analysis.models.audit_entries import AuditedImages, AuditEntry
from analysis.models.backfills import Backfill
from analysis.models.backups import Backup
from analysis.models.batches import Batch, BatchEntry, BatchImage
from analysis.models.buckets import Bucket, BucketObject
from analysis.models.bulk_changes import BulkChange, ChangedImage
from analysis.models.censuses import BucketCensus
from analysis.models.cities import City
from analysis.models.collections import Collection, CollectionImage, CollectionMember, CollectionQuerySet
from analysis.models.deletions import OriginalDeletion, TrashDeletion
from analysis.models.deliveries import Alert, AlertMatch, Delivery, ImageEvent, Sink, SinkRun
from analysis.models.distinct_pairs import DistinctPair
from analysis.models.embeddings import ImageEmbedding
from analysis.models.exports import Export, ExportedImages
from analysis.models.folders import Folder
from analysis.models.heartbeat import Heartbeat
from analysis.models.idempotent_requests import IdempotentRequest
from analysis.models.images import Image, ImageQuerySet
from analysis.models.installation import Installation
from analysis.models.labels import FileKeyword, ImageLabel, Label, LabelAlias, LabelAncestor, Verdict
from analysis.models.ledger import Call, Spend, SpendEntry
from analysis.models.model_versions import ModelVersion
from analysis.models.outages import Outage
from analysis.models.pending_blobs import PendingBlob
from analysis.models.rate_limits import RateLimitState
from analysis.models.ratings import Rating
from analysis.models.saved_searches import SavedSearch
from analysis.models.search_index import Face, ImageIndex, ImageText
from analysis.models.share_links import ShareLink
from analysis.models.statistics import (
    AddedStatistics,
    ConfidenceStatistics,
    EndedStatistics,
    LatencyStatistics,
    StatisticsRun,
)
from analysis.models.uploads import Upload
from analysis.models.viewer import Viewer
from analysis.models.work_lease import WorkLease

__all__ = [
    "AddedStatistics",
    "Alert",
    "AlertMatch",
    "Analysis",
    "AnalysisQuerySet",
    "AttemptCount",
    "AuditEntry",
    "AuditedImages",
    "Backfill",
    "Backup",
    "Batch",
    "BatchEntry",
    "BatchImage",
    "Bucket",
    "BucketCensus",
    "BucketObject",
    "BulkChange",
    "Call",
    "ChangedImage",
    "City",
    "Collection",
    "CollectionImage",
    "CollectionMember",
    "CollectionQuerySet",
    "ConfidenceStatistics",
    "Delivery",
    "DistinctPair",
    "EndedStatistics",
    "Export",
    "ExportedImages",
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
    "Installation",
    "Label",
    "LabelAlias",
    "LabelAncestor",
    "LatencyStatistics",
    "ModelVersion",
    "OriginalDeletion",
    "Outage",
    "PendingBlob",
    "RateLimitState",
    "Rating",
    "SavedSearch",
    "ShareLink",
    "Sink",
    "SinkRun",
    "Spend",
    "SpendEntry",
    "StatisticsRun",
    "TrashDeletion",
    "Upload",
    "Verdict",
    "Viewer",
    "WorkLease",
]
