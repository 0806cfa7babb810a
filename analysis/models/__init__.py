"""What is true: the tables and the constraints that hold them."""

from analysis.models.analyses import Analysis, AnalysisQuerySet
from analysis.models.audience import Audience
from analysis.models.images import Image, ImageQuerySet, UnclaimedBlob
from analysis.models.labels import ImageLabel, Label, LabelAlias, Verdict

__all__ = [
    "Analysis",
    "AnalysisQuerySet",
    "Audience",
    "Image",
    "ImageLabel",
    "ImageQuerySet",
    "Label",
    "LabelAlias",
    "UnclaimedBlob",
    "Verdict",
]
