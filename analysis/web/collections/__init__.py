"""Collection pages: the list, one collection, its order and settings."""
