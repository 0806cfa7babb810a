"""Pictures of a collection: `collection:"Trips/Paris"`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from django.utils.translation import gettext as _

from analysis.models import Viewer
from analysis.search.database import fetch_all
from analysis.search.literals import quoted
from analysis.search.sql.conditions import contains, exists
from analysis.search.sql.expressions import FALSE, TRUE, Sql
from analysis.search.terms.base import Candidates, Resolution, Term, Value

FEW_IMAGES = 20_000
"""Up to this many images, reading all of them is cheaper than any other strategy."""


class _Collections(NamedTuple):
    ids: tuple[int, ...] = ()
    have_few: bool = True


@dataclass(frozen=True)
class CollectionTerm(Term):
    """Images of the collections with these levels in their name, and of those below.

    Only collections that the viewer can open; case and accents make no difference.
    """

    fields = ("collection",)
    default_cost = (8, "collection:")
    name: str

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> Self:
        return cls(value.text)

    def write(self) -> str:
        return f"collection:{quoted(self.name)}"

    def describe(self) -> str:
        return _("%(field)s: %(value)s") % {"field": _("collection"), "value": self.name}

    @classmethod
    def resolve_all(cls, terms: Sequence[Self], viewer: Viewer) -> dict[Term, Any]:
        """The collections that each name means."""
        return {term: _resolved(term, viewer) for term in terms}

    def condition(self, resolved: Resolution) -> Sql:
        ids = resolved.values[self].ids
        entries = "analysis_collectionimage entry WHERE {} AND entry.collection_id = ANY(%s::bigint[])"
        return exists(entries, list(ids)) if ids else FALSE

    def candidates(self, resolved: Resolution) -> Candidates | None:
        ids, have_few = resolved.values[self]
        text = "SELECT image_id FROM analysis_collectionimage WHERE collection_id = ANY(%s::bigint[])"
        return Candidates(Sql(text, (list(ids),)), frozenset([self]), are_few=have_few) if ids else None


def _resolved(term: CollectionTerm, viewer: Viewer) -> _Collections:
    levels = [" ".join(level.split()) for level in term.name.split("/")]
    name = "/".join(level for level in levels if level)
    if not name:
        return _Collections()
    named = contains("'/' || c.name || '/'", f"/{name}/")
    visible = _visible(viewer)
    statement = f"""
        SELECT c.id FROM analysis_collection c
        WHERE c.deleted_at IS NULL AND {named.text} AND {visible.text}
    """
    ids = [pk for (pk,) in fetch_all(statement, (*named.values, *visible.values))]
    limited = f"SELECT FROM analysis_collectionimage WHERE collection_id = ANY(%s::bigint[]) LIMIT {FEW_IMAGES + 1}"
    [(number,)] = fetch_all(f"SELECT count(*) FROM ({limited}) entries", (ids,))
    return _Collections(tuple(ids), number <= FEW_IMAGES)


def _visible(viewer: Viewer) -> Sql:
    """`CollectionQuerySet.visible_to` as SQL about `analysis_collection c`."""
    if viewer.sees_all:
        return TRUE
    if viewer.user_id is None:
        return FALSE
    member = "EXISTS (SELECT FROM analysis_collectionmember m WHERE m.collection_id = c.id AND m.user_id = %s)"
    return Sql(f"(c.owner_id = %s OR c.is_shared OR {member})", (viewer.user_id, viewer.user_id))
