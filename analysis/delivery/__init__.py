"""Alerts and sinks, and the delivery of their messages."""
