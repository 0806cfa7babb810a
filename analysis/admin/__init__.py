"""The staff's side: every table, with what machines wrote read-only."""

from analysis.admin import (
    analyses,
    batches,
    buckets,
    changes,
    figures,
    found,
    images,
    labels,
    marks,
    money,
    people,
    verdicts,
)

__all__ = [
    "analyses",
    "batches",
    "buckets",
    "changes",
    "figures",
    "found",
    "images",
    "labels",
    "marks",
    "money",
    "people",
    "verdicts",
]
