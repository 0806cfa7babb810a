"""The first steps of an installation, for staff."""
