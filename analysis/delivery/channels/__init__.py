"""A module for each channel. None of them reads the database."""
