"""Bulk runs: selection, estimate, queueing, lifecycle, report."""
