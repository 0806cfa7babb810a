"""Session engine: sessions in PostgreSQL, with their user and device."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.utils import timezone

from imagelib.accounts.models import Session, User

USE_PRECISION = timedelta(minutes=5)
"""Precision of `last_used_at`, since a write for each request would cost more than most requests."""


class SessionStore(db.SessionStore):
    """Session store; call `describe` first, so that the row is saved with the device."""

    _user_agent = _network = ""
    _row: Session | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def describe(self, *, user_agent: str, network: str) -> None:
        """Set the device that sends this request."""
        # PostgreSQL cannot store NUL in text.
        self._user_agent = user_agent.replace("\x00", "")[:300]
        self._network = network

    def touch(self) -> None:
        """Record the use of a signed-in session, at most every few minutes."""
        now = timezone.now()
        if self._row is None or now - self._row.last_used_at < USE_PRECISION:
            return
        # A page requests dozens of thumbnails at once; this condition lets only one of the requests write.
        due = Session.objects.filter(pk=self._row.pk, last_used_at__lte=now - USE_PRECISION)
        if due.update(last_used_at=now, user_agent=self._user_agent, network=self._network):
            User.objects.filter(sessions=self._row.pk).update(last_seen_at=now)
        self._row.last_used_at = now

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        current = self._row
        # allauth loads the session a second time within a request, in a store without a device.
        row.user_agent = self._user_agent or (current.user_agent if current else "")
        row.network = self._network or (current.network if current else "")
        if current is not None and current.pk == row.pk:
            row.created_at = current.created_at
        return row

    def _get_session_from_db(self) -> Session | None:
        self._row = super()._get_session_from_db()  # type: ignore[misc] # not in the stubs
        return self._row
