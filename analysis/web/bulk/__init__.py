"""Bulk actions: changes of many images at once."""
