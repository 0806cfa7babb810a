"""Welcome page: the first steps of an installation, for staff."""
