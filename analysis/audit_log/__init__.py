"""The audit log: who changed what, and when.

Every function that makes a user's change calls `record`. Not to be confused with `analysis/library_audit`, which
compares rows with stored files.
"""

from analysis.audit_log.writer import entry_of_bulk_change, record, record_images

__all__ = ["entry_of_bulk_change", "record", "record_images"]
