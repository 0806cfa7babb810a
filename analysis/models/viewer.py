"""Who is asking, as a value that every search carries."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q


@dataclass(frozen=True)
class Viewer:
    """One person's view of the library. Made in `access`, passed down into search, so that no query forgets it."""

    person_id: int | None = None
    sees_all: bool = False
    """Whoever runs the place: the shell and the staff's pages."""

    @property
    def min_visibility(self) -> int:
        """The visibility from which on others' pictures are seen: 1 (shared) when signed in, else 2 (public)."""
        if self.sees_all:
            return 0
        return 2 if self.person_id is None else 1

    def visible_filter(self) -> Q:
        """The condition on `Image`, and on any table that carries `owner_id` and `visibility`."""
        seen = Q(visibility__gte=self.min_visibility)
        return seen if self.person_id is None else seen | Q(owner_id=self.person_id)
