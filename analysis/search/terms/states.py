"""Terms about states and properties: `is:`, `has:` and `orientation:`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django.utils.translation import gettext_lazy

from analysis.models import Image, Viewer
from analysis.recognition.embeddings import table
from analysis.recognition.embeddings.compare import LOOK_DIFFERENT
from analysis.search.sql.conditions import exists, image_condition, visibility_filter
from analysis.search.sql.expressions import Sql, negated
from analysis.search.terms.base import Candidates, ChoiceTerm, Resolution, Term

_STATES = {
    "favorite": gettext_lazy("favorite"),
    "untagged": gettext_lazy("untagged"),
    "failed": gettext_lazy("failed"),
    "pending": gettext_lazy("being analyzed"),
    "reviewed": gettext_lazy("reviewed"),
    "private": gettext_lazy("private"),
    "shared": gettext_lazy("shared"),
    "public": gettext_lazy("public"),
    "trashed": gettext_lazy("in the trash"),
    "duplicate": gettext_lazy("duplicate"),
}
# IS TRUE makes PostgreSQL read all tags once instead of looking up each label.
_IS_TAG = "(p.label_id IN (SELECT l.id FROM analysis_label l WHERE l.kind = 'tag')) IS TRUE"
# The latest analysis of this API failed.
_LATEST_FAILED = """
    a.state = 'failed' AND NOT EXISTS (
        SELECT FROM analysis_analysis later
        WHERE later.image_id = a.image_id AND later.api = a.api AND later.id > a.id)
"""
# Their owner marked them as not duplicates.
_IS_DISTINCT = """
    EXISTS (SELECT FROM analysis_distinctpair p
        WHERE p.first_id = least(i.id, twin.id) AND p.second_id = greatest(i.id, twin.id))
"""
_STATE_CONDITIONS = {
    "untagged": negated(exists(f"analysis_imagelabel p WHERE {{}} AND {_IS_TAG}")),
    "failed": exists(f"analysis_analysis a WHERE {{}} AND {_LATEST_FAILED}"),
    "pending": exists("analysis_analysis a WHERE {} AND a.state IN ('queued', 'running')"),
    "reviewed": exists("analysis_verdict v WHERE {}"),
    "trashed": image_condition("trashed_at IS NOT NULL"),
}


@dataclass(frozen=True)
class StateTerm(ChoiceTerm):
    """Images in this state; favorites are the viewer's own."""

    STATES: ClassVar = tuple(_STATES)
    fields = ("is",)
    choices = STATES
    default_cost = (4, "is:")
    state: str

    def write(self) -> str:
        return f"is:{self.state}"

    def describe(self) -> str:
        return str(_STATES[self.state])

    @property
    def cost(self) -> tuple[int, str]:
        return (40, "is:duplicate") if self.state == "duplicate" else self.default_cost

    @property
    def partial_index(self) -> str:
        return "i.has_duplicate" if self.state == "duplicate" else ""

    @property
    def visibility(self) -> int | None:
        """The visibility that this state stands for, if any."""
        name = self.state.upper()
        return Image.Visibility[name].value if name in Image.Visibility.__members__ else None

    @classmethod
    def resolve_all(cls, terms: Sequence[Self], viewer: Viewer) -> dict[Term, Any]:
        """For `is:duplicate`, True if there are embeddings to compare."""
        return {term: table.exists() for term in terms if term.state == "duplicate"}

    def condition(self, resolved: Resolution) -> Sql:
        if self.visibility is not None:
            return image_condition("visibility = %s", self.visibility)
        if self.state == "favorite":
            favorite = "analysis_rating m WHERE {} AND m.person_id = %s AND m.is_favorite"
            return exists(favorite, resolved.viewer.user_id)
        if self.state == "duplicate":
            return _has_duplicate(resolved.viewer, has_embeddings=resolved.values.get(self, False))
        return _STATE_CONDITIONS[self.state]

    def row_condition(self, resolved: Resolution) -> Sql | None:
        return None if self.visibility is None else Sql("d.visibility = %s", (self.visibility,))

    def candidates(self, resolved: Resolution) -> Candidates | None:
        text, values = "", tuple[int | None, ...]()
        match self.state:
            case "favorite":
                text = "SELECT image_id FROM analysis_rating WHERE person_id = %s AND is_favorite"
                values = (resolved.viewer.user_id,)
            case "failed":
                # These states have partial indexes and few images: in a healthy library, few analyses have failed or
                # are pending.
                text = f"SELECT a.image_id FROM analysis_analysis a WHERE {_LATEST_FAILED}"
            case "pending":
                text = "SELECT image_id FROM analysis_analysis WHERE state IN ('queued', 'running')"
            case "reviewed":
                text = "SELECT image_id FROM analysis_verdict"
        is_exact, are_few = frozenset([self]), self.state != "reviewed"
        return Candidates(Sql(text, values), is_exact, are_few=are_few) if text else None


def _has_duplicate(viewer: Viewer, *, has_embeddings: bool) -> Sql:
    visible = visibility_filter(viewer, "twin")
    is_same = f"(twin.sha256 = i.sha256 OR NOT ({LOOK_DIFFERENT}))" if has_embeddings else "true"
    return Sql(
        f"""coalesce((SELECT true FROM analysis_image i JOIN analysis_image twin
            ON (twin.phash = i.phash OR twin.sha256 = i.sha256) AND twin.id <> i.id AND twin.trashed_at IS NULL
            WHERE i.id = d.image_id AND {visible.text} AND {is_same} AND NOT {_IS_DISTINCT} LIMIT 1), false)""",
        visible.values,
    )


_FEATURES = {
    "faces": gettext_lazy("has faces"),
    "text": gettext_lazy("has text"),
    "location": gettext_lazy("has a location"),
    "labels": gettext_lazy("has labels"),
}
_FEATURE_TABLES = {"faces": "analysis_face", "text": "analysis_imagetext", "labels": "analysis_imagelabel"}
# A difference of two indexes is faster than checking the labels of every image.
_UNLABELED = """
    SELECT image_id FROM analysis_imageindex WHERE label_ids = '{}'
    UNION ALL
    SELECT i.id FROM analysis_image i WHERE NOT EXISTS (SELECT FROM analysis_imageindex x WHERE x.image_id = i.id)
"""


@dataclass(frozen=True)
class HasTerm(ChoiceTerm):
    """Images with faces, text, labels or a location."""

    FEATURES: ClassVar = tuple(_FEATURES)
    fields = ("has",)
    choices = FEATURES
    feature: str

    def write(self) -> str:
        return f"has:{self.feature}"

    def describe(self) -> str:
        return str(_FEATURES[self.feature])

    @property
    def partial_index(self) -> str:
        return "i.latitude IS NOT NULL AND i.longitude IS NOT NULL" if self.feature == "location" else ""

    def condition(self, resolved: Resolution) -> Sql:
        if self.feature == "location":
            return image_condition("latitude IS NOT NULL AND longitude IS NOT NULL")
        return exists(f"{_FEATURE_TABLES[self.feature]} f WHERE {{}}")

    def candidates(self, resolved: Resolution) -> Candidates | None:
        if self.feature not in {"faces", "text"}:
            return None
        text = f"SELECT image_id FROM {_FEATURE_TABLES[self.feature]}"
        return Candidates(Sql(text), frozenset([self]))

    def candidates_without(self, resolved: Resolution) -> Candidates | None:
        return Candidates(Sql(_UNLABELED)) if self.feature == "labels" else None


_SHAPES = {
    "landscape": (gettext_lazy("landscape"), "width > height"),
    "portrait": (gettext_lazy("portrait"), "width < height"),
    "square": (gettext_lazy("square"), "width = height"),
}


@dataclass(frozen=True)
class OrientationTerm(ChoiceTerm):
    """Images of this shape once they are upright."""

    SHAPES: ClassVar = tuple(_SHAPES)
    fields = ("orientation",)
    choices = SHAPES
    shape: str

    def write(self) -> str:
        return f"orientation:{self.shape}"

    def describe(self) -> str:
        return str(_SHAPES[self.shape][0])

    def condition(self, resolved: Resolution) -> Sql:
        return image_condition(_SHAPES[self.shape][1])
