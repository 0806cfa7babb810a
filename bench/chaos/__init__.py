"""Fault injection for the chaos tests and the recovery bench."""
