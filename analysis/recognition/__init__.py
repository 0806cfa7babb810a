"""Requests to a recognizer, and the rows made from its responses."""
