"""Backups of the database and the stored files (decision 47)."""
