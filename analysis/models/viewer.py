"""The person a query is run for, as a value passed through every search."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q


@dataclass(frozen=True)
class Viewer:
    """Decides which pictures a query may return; the default is anonymous.

    `permissions.viewer_of(user)` returns one for a request. Every search function requires
    one, so that no query can be written without its visibility filter.
    """

    # An ID instead of a user object, so that equal viewers compare equal and fit into a message to a worker.
    user_id: int | None = None
    sees_all: bool = False
    """No filter, for commands and for staff pages that check permissions themselves."""

    @property
    def min_visibility(self) -> int:
        """Lowest visibility of other owners' pictures.

        1 (shared) when signed in, 2 (public) when anonymous.
        """
        if self.sees_all:
            return 0
        return 2 if self.user_id is None else 1

    def visible_filter(self, prefix: str = "") -> Q:
        """Condition for all tables with the columns `owner_id` and `visibility`.

        `prefix` leads to that table, for example `image__`.
        """
        visible = Q(**{f"{prefix}visibility__gte": self.min_visibility})
        return visible if self.user_id is None else visible | Q(**{f"{prefix}owner_id": self.user_id})
