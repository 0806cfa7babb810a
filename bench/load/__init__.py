"""People who browse and search a library at once, through a reverse proxy."""
