"""Text detected in images: `text:"no entry"`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from django.utils.translation import gettext as _

from analysis.search.folding import fold_name
from analysis.search.literals import quoted
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import Candidates, Resolution, Term, Value

SEPARATORS = re.compile("[ .\u00b7-]+")
PLATE_GROUP = re.compile("[a-z0-9\u00e0-\u00ff]{1,7}")
MAX_GROUPS = 4


@dataclass(frozen=True)
class TextTerm(Term):
    """Images in which these words were detected next to one another.

    Case and accents make no difference. Words are those of analysis.models.search_index.TextWords: "ABC-123" is two of
    them.
    """

    fields = ("text",)
    default_cost = (4, "text:")
    text: str

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> TextTerm:
        return cls(value.text)

    def write(self) -> str:
        return f"text:{quoted(self.text)}"

    def describe(self) -> str:
        return _("text “%(text)s”") % {"text": self.text}

    def condition(self, resolved: Resolution) -> Sql:
        return self.any_condition([self], resolved)

    def candidates(self, resolved: Resolution) -> Candidates | None:
        sql = self.any_candidates([self], resolved)
        return Candidates(sql, frozenset([self]), is_indexed=True, are_few=True)

    @classmethod
    def any_condition(cls, terms: Sequence[Self], resolved: Resolution) -> Sql:
        query = _tsquery(terms)
        match = f"SELECT t.words @@ ({query.text}) FROM analysis_imagetext t WHERE t.image_id = d.image_id"
        return Sql(f"coalesce(({match}), false)", query.values)

    @classmethod
    def any_candidates(cls, terms: Sequence[Self], resolved: Resolution) -> Sql:
        query = _tsquery(terms)
        text = f"""
            SELECT x.image_id, x.sort_time, x.owner_id, x.visibility
            FROM analysis_imagetext t JOIN analysis_imageindex x ON x.image_id = t.image_id
            WHERE t.words @@ ({query.text})
        """
        return Sql(text, query.values)


def _tsquery(terms: Sequence[TextTerm]) -> Sql:
    # One tsquery for all alternatives is one scan of the GIN index instead of one for each.
    texts = [term.text for term in terms]
    texts += [plate for term in terms if (plate := _joined_plate(term.text))]
    return Sql(" || ".join(["phraseto_tsquery('simple', analysis_words(%s))"] * len(texts)), tuple(texts))


def _joined_plate(text: str) -> str:
    """A number plate without its blanks; empty for other texts."""
    # Number plates are also indexed in this form (see TextWords).
    groups = SEPARATORS.split(fold_name(text))
    is_plate = 2 <= len(groups) <= MAX_GROUPS and all(PLATE_GROUP.fullmatch(group) for group in groups)
    return "".join(groups) if is_plate else ""
