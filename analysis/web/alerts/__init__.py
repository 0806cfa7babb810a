"""Alerts: their list, their form with its preview, and their history."""
