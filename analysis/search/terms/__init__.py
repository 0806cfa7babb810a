"""All kinds of terms: one class each, with its syntax, description and SQL.

A new kind is a class in this package (its contract is `terms.base.Term`), listed in `TERMS`: parser, completion, limits
and planner need no change. tests/search/test_docs.py wants it in docs/search.md. Add it to tests/search/strategies.py,
reference_search.py and test_against_reference.py, which compare it with plain Python.
"""

from __future__ import annotations

from typing import Final

from analysis.search.terms.analyses import ModelTerm, SourceTerm
from analysis.search.terms.anniversaries import DayTerm
from analysis.search.terms.base import Node, Term, Value
from analysis.search.terms.collections import CollectionTerm
from analysis.search.terms.coordinates import BoxTerm, NearTerm, PlaceTerm
from analysis.search.terms.counts import CountTerm
from analysis.search.terms.dates import DateTerm, RelativeDateTerm, SpanTerm
from analysis.search.terms.faces import FaceTerm
from analysis.search.terms.files import BucketTerm, CameraTerm, FormatTerm, LensTerm, NameTerm
from analysis.search.terms.folders import FolderTerm, KeyTerm
from analysis.search.terms.ids import IdTerm
from analysis.search.terms.labels import CategoryTerm, LabelTerm
from analysis.search.terms.near_duplicates import NearDuplicateTerm
from analysis.search.terms.numbers import RangeTerm
from analysis.search.terms.operators import And, Not, Or, all_of, any_of, negation
from analysis.search.terms.owners import OwnerTerm
from analysis.search.terms.similar import SimilarTerm
from analysis.search.terms.states import HasTerm, OrientationTerm, StateTerm
from analysis.search.terms.text import TextTerm

__all__ = [
    "BY_FIELD",
    "TERMS",
    "And",
    "BoxTerm",
    "BucketTerm",
    "CameraTerm",
    "CategoryTerm",
    "CollectionTerm",
    "CountTerm",
    "DateTerm",
    "DayTerm",
    "FaceTerm",
    "FolderTerm",
    "FormatTerm",
    "HasTerm",
    "IdTerm",
    "KeyTerm",
    "LabelTerm",
    "LensTerm",
    "ModelTerm",
    "NameTerm",
    "NearDuplicateTerm",
    "NearTerm",
    "Node",
    "Not",
    "Or",
    "OrientationTerm",
    "OwnerTerm",
    "PlaceTerm",
    "RangeTerm",
    "RelativeDateTerm",
    "SimilarTerm",
    "SourceTerm",
    "SpanTerm",
    "StateTerm",
    "Term",
    "TextTerm",
    "Value",
    "all_of",
    "any_of",
    "negation",
]

TERMS: Final[tuple[type[Term], ...]] = (
    *(LabelTerm, CategoryTerm, TextTerm, NameTerm, OwnerTerm, BucketTerm, FormatTerm, CameraTerm, LensTerm),
    *(CollectionTerm, FolderTerm, KeyTerm, PlaceTerm, NearTerm, BoxTerm),
    *(RangeTerm, DateTerm, RelativeDateTerm, DayTerm, FaceTerm, CountTerm),
    *(StateTerm, HasTerm, SourceTerm, OrientationTerm, ModelTerm, SimilarTerm, NearDuplicateTerm, IdTerm),
)
"""All kinds of terms, in the order in which autocomplete suggests their fields."""
BY_FIELD: Final = {field: term for term in TERMS for field in term.fields}
COMPARABLE: Final = frozenset(field for field, term in BY_FIELD.items() if term.is_comparable)
"""Fields that may directly precede a comparison: `width>=4000`."""
SUGGESTIONS: Final = {field: values for term in TERMS for field, values in term.suggestions.items()}

LabelTerm.comparable_fields = COMPARABLE  # labels are written in quotes where these fields would be read
