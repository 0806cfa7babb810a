"""The query language in one place: read, written, and as a value."""

from analysis.search.grammar import BadQuery, parse
from analysis.search.tree import Query

__all__ = ["BadQuery", "Query", "parse"]
