"""Date formats of the admin, the same as analysis/formatting.py uses on pages."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j F Y, H:i"
TIME_FORMAT = "H:i"
