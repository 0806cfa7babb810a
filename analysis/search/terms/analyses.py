"""Terms about analyses: `by:rekognition`, `by:person`, `model:3.0`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.search.literals import quoted
from analysis.search.sql.conditions import exists
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import Candidates, ChoiceTerm, Resolution, Term, Value

_SOURCES = {
    "rekognition": gettext_lazy("analyzed by Rekognition"),
    "local": gettext_lazy("analyzed by the local recognizer"),
    "simulator": gettext_lazy("analyzed by the simulator"),
    "person": gettext_lazy("confirmed by a person"),
    "file": gettext_lazy("with keywords in its file"),
}


@dataclass(frozen=True)
class SourceTerm(ChoiceTerm):
    """Images analyzed by this recognizer.

    "person" is a confirmed or added label, "file" a keyword of the file.
    """

    SOURCES: ClassVar = tuple(_SOURCES)
    fields = ("by",)
    choices = SOURCES
    default_cost = (4, "by:")
    source: str

    def write(self) -> str:
        return f"by:{self.source}"

    def describe(self) -> str:
        return str(_SOURCES[self.source])

    def condition(self, resolved: Resolution) -> Sql:
        if self.source == "person":
            return exists("analysis_verdict v WHERE {} AND v.decision <> 'rejected'")
        if self.source == "file":
            return exists("analysis_filekeyword k WHERE {}")
        return exists("analysis_analysis a WHERE {} AND a.is_current AND a.recognizer = %s", self.source)

    def candidates(self, resolved: Resolution) -> Candidates:
        if self.source == "person":
            sql = Sql("SELECT image_id FROM analysis_verdict WHERE decision <> 'rejected'")
        elif self.source == "file":
            sql = Sql("SELECT image_id FROM analysis_filekeyword")
        else:
            sql = Sql("SELECT image_id FROM analysis_analysis WHERE is_current AND recognizer = %s", (self.source,))
        return Candidates(sql, frozenset([self]))


@dataclass(frozen=True)
class ModelTerm(Term):
    """Images with a current analysis by this model version."""

    fields = ("model",)
    default_cost = (4, "model:")
    version: str

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> ModelTerm:
        return cls(value.text)

    def write(self) -> str:
        return f"model:{quoted(self.version)}"

    def describe(self) -> str:
        return _("model %(version)s") % {"version": self.version}

    def condition(self, resolved: Resolution) -> Sql:
        return exists("analysis_analysis a WHERE {} AND a.is_current AND a.model_version = %s", self.version)

    def candidates(self, resolved: Resolution) -> Candidates:
        text = "SELECT image_id FROM analysis_analysis WHERE is_current AND model_version = %s"
        return Candidates(Sql(text, (self.version,)), frozenset([self]))
