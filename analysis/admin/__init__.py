"""The staff's side: every table, with what machines wrote read-only."""

from analysis.admin import (
    analyses,
    batches,
    buckets,
    bulk_changes,
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
    "batches",
    "buckets",
    "bulk_changes",
    "derived",
    "images",
    "labels",
    "ledger",
    "ratings",
    "statistics",
    "users",
    "verdicts",
]
