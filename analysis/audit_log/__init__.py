"""The audit log: who changed what, and when.

Every function that changes something for a person calls `record`. `analysis/library_audit` is something else: it
compares rows with stored files.
"""

from analysis.audit_log.writer import entry_of_bulk_change, record, record_images

__all__ = ["entry_of_bulk_change", "record", "record_images"]
