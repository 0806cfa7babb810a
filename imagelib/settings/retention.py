"""Settings of retention: trash, audit log, exports and messages, in days."""

from __future__ import annotations

from imagelib.settings.environment import env

DELIVERY_DAYS = env.int("DELIVERY_DAYS", 14)
EXPORT_DAYS = env.int("EXPORT_DAYS", 7)
TRASH_DAYS = env.int("TRASH_DAYS", 30)
AUDIT_DAYS = env.int("AUDIT_DAYS", 730)
