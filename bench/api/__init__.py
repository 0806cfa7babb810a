"""Bench of the API's lists and exports, in a million generated pictures."""
