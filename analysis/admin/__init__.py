"""The Django admin: every table; rows written by workers are read-only."""

from analysis.admin import (
    analyses,
    audit_entries,
    batches,
    buckets,
    bulk_changes,
    calls,
    collections,
    derived,
    idempotent_requests,
    images,
    labels,
    ratings,
    statistics,
    users,
    verdicts,
)

__all__ = [
    "analyses",
    "audit_entries",
    "batches",
    "buckets",
    "bulk_changes",
    "calls",
    "collections",
    "derived",
    "idempotent_requests",
    "images",
    "labels",
    "ratings",
    "statistics",
    "users",
    "verdicts",
]
