"""The channels, one module each. None of them uses the database."""
