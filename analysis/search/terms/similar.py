"""Pictures that look like one: `similar:123`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from analysis.models import Image, Viewer
from analysis.search.errors import InvalidValue
from analysis.search.similar import similar_ids
from analysis.search.sql.expressions import FALSE, Sql
from analysis.search.terms.base import Candidates, Resolution, Term, Value

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class SimilarTerm(Term):
    """The images most similar to one, which is named by number or public ID.

    The image itself is left out. Other terms of the search do not change which images are similar: the nearest that the
    viewer may see, at most MAX_SIMILAR.
    """

    fields = ("similar",)
    default_cost = (80, "similar:")
    picture: str

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> SimilarTerm:
        if _NUMBER.fullmatch(value.text):
            return cls(str(int(value.text)))
        if _UUID.fullmatch(value.text):
            return cls(str(UUID(value.text)))
        raise InvalidValue(_("Expected a picture ID or a public ID, for example similar:123."))

    def write(self) -> str:
        return f"similar:{self.picture}"

    def describe(self) -> str:
        return _("similar to picture %(number)s") % {"number": self.picture}

    @classmethod
    def resolve_all(cls, terms: Sequence[Self], viewer: Viewer) -> dict[Term, Any]:
        """The ids of similar images, the nearest first; none for invisible images."""
        return {term: similar_ids(pk, viewer=viewer) for term, pk in cls.visible_ids(terms, viewer).items()}

    @classmethod
    def visible_ids(cls, terms: Sequence[Self], viewer: Viewer) -> dict[Self, int]:
        """The ids of the images that the terms name and the viewer may see."""
        pictures = {term.picture for term in terms}
        numbers = {picture for picture in pictures if _NUMBER.fullmatch(picture)}
        # A public ID is valid while the picture is public, and the index only has public pictures.
        is_public = Q(public_id__in=pictures - numbers, visibility=Image.Visibility.PUBLIC)
        visible = Image.objects.visible_to(viewer).filter(Q(pk__in=map(int, numbers)) | is_public)
        ids = {str(name): pk for pk, public_id in visible.values_list("pk", "public_id") for name in (pk, public_id)}
        return {term: ids[term.picture] for term in terms if term.picture in ids}

    def ids(self, resolved: Resolution) -> list[int]:
        """The similar images, the nearest first."""
        ids: list[int] = resolved.values.get(self, [])
        return ids

    def condition(self, resolved: Resolution) -> Sql:
        ids = self.ids(resolved)
        return Sql("d.image_id = ANY(%s::bigint[])", (ids,)) if ids else FALSE

    def candidates(self, resolved: Resolution) -> Candidates:
        statement = Sql("SELECT unnest(%s::bigint[]) AS image_id", (self.ids(resolved),))
        return Candidates(statement, frozenset([self]), are_few=True)
