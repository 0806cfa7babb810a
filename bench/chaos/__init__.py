"""Fault injection into running processes, for the chaos tests and the recovery bench."""
