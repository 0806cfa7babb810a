"""What is true: the tables and the constraints that hold them."""

from analysis.models.analyses import Analysis, AnalysisQuerySet
from analysis.models.audience import Audience
from analysis.models.batches import Batch, BatchEntry, BatchImage, Heartbeat
from analysis.models.buckets import Bucket, BucketObject, Ticket
from analysis.models.changes import Change, ChangedImage
from analysis.models.figures import AddedFigure, ConfidenceFigure, EndedFigure, FigureRun, LatencyFigure
from analysis.models.found import Face, ImageIndex, ImageText
from analysis.models.images import Image, ImageQuerySet, UnclaimedBlob
from analysis.models.labels import ImageLabel, Label, LabelAlias, Verdict
from analysis.models.marks import Mark, SavedSearch
from analysis.models.money import Call, Spend, SpendEntry
from analysis.models.outages import ModelVersion, Outage

__all__ = [
    "AddedFigure",
    "Analysis",
    "AnalysisQuerySet",
    "Audience",
    "Batch",
    "BatchEntry",
    "BatchImage",
    "Bucket",
    "BucketObject",
    "Call",
    "Change",
    "ChangedImage",
    "ConfidenceFigure",
    "EndedFigure",
    "Face",
    "FigureRun",
    "Heartbeat",
    "Image",
    "ImageIndex",
    "ImageLabel",
    "ImageQuerySet",
    "ImageText",
    "Label",
    "LabelAlias",
    "LatencyFigure",
    "Mark",
    "ModelVersion",
    "Outage",
    "SavedSearch",
    "Spend",
    "SpendEntry",
    "Ticket",
    "UnclaimedBlob",
    "Verdict",
]
