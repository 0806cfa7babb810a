"""Bench of load: people who browse and search at once, through a reverse proxy."""
