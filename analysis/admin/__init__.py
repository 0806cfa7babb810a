"""The Django admin: every table; rows written by workers are read-only."""

from analysis.admin import (
    analyses,
    api_requests,
    audit_entries,
    batches,
    buckets,
    bulk_changes,
    collections,
    derived,
    images,
    labels,
    ledger,
    ratings,
    statistics,
    users,
    verdicts,
)

__all__ = [
    "analyses",
    "api_requests",
    "audit_entries",
    "batches",
    "buckets",
    "bulk_changes",
    "collections",
    "derived",
    "images",
    "labels",
    "ledger",
    "ratings",
    "statistics",
    "users",
    "verdicts",
]
