"""Images of a user: `owner:anna`, `owner:me`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from analysis.models import Viewer
from analysis.search.database import fetch_all
from analysis.search.literals import quoted
from analysis.search.sql.conditions import image_condition
from analysis.search.sql.expressions import FALSE, Sql
from analysis.search.terms.base import Resolution, Term, Value

SMALL_OWNER = 5_000
"""Up to this many images of one owner, reading all of them is cheaper than an index over everyone's."""


@dataclass(frozen=True)
class Owner:
    """A user and the number of their images, counted to one more than SMALL_OWNER."""

    id: int
    image_count: int

    @property
    def has_few(self) -> bool:
        return self.image_count <= SMALL_OWNER


@dataclass(frozen=True)
class OwnerTerm(Term):
    """Images of this user; "me" is the viewer.

    Case matters only between names that differ in nothing else.
    """

    fields = ("owner",)
    suggestions: ClassVar = {"owner": ("me",)}
    name: str

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> OwnerTerm:
        return cls(value.text)

    def write(self) -> str:
        return f"owner:{quoted(self.name)}"

    def describe(self) -> str:
        return _("%(field)s: %(value)s") % {"field": _("owner"), "value": self.name}

    @classmethod
    def resolve_all(cls, terms: Sequence[Self], viewer: Viewer) -> dict[Term, Any]:
        """The owner of each name that a user has."""
        table = get_user_model()._meta.db_table
        rows = fetch_all(
            f"""
            SELECT person.username, person.id, (
                SELECT count(*) FROM (SELECT FROM analysis_image i
                    WHERE i.owner_id = person.id AND i.trashed_at IS NULL LIMIT {SMALL_OWNER + 1}) owned)
            FROM {table} person WHERE lower(person.username) = ANY(%s) OR person.id = %s
            ORDER BY person.id DESC
            """,
            [[term.name.lower() for term in terms], viewer.user_id],
        )
        # Ordered by descending id, so the oldest account wins among names that differ only in case.
        by_name = {name: Owner(pk, image_count) for name, pk, image_count in rows}
        by_lower_name = {name.lower(): owner for name, owner in by_name.items()}
        me = next((owner for owner in by_name.values() if owner.id == viewer.user_id), None)
        owners = {
            term: me if term.name.lower() == "me" else by_name.get(term.name) or by_lower_name.get(term.name.lower())
            for term in terms
        }
        return {term: owner for term, owner in owners.items() if owner}

    def owner(self, resolved: Resolution) -> Owner | None:
        """The user; None if there is no such user."""
        owner: Owner | None = resolved.values.get(self)
        return owner

    def condition(self, resolved: Resolution) -> Sql:
        owner = self.owner(resolved)
        return image_condition("owner_id = %s", owner.id) if owner else FALSE

    def row_condition(self, resolved: Resolution) -> Sql | None:
        owner = self.owner(resolved)
        return Sql("d.owner_id = %s", (owner.id,)) if owner else None
