"""Comparison of database rows with stored files."""
