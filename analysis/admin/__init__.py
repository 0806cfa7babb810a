"""The staff's side: every table, with what machines wrote read-only."""

from analysis.admin import analyses, images, labels, people

__all__ = ["analyses", "images", "labels", "people"]
