"""Bulk runs of analyses: selection, estimate, queueing, lifecycle and report."""
