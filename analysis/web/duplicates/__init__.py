"""Duplicate pages: groups, comparison, exact copies."""
