"""Bulk runs: which pictures, laid out a step at a time, paused, resumed, stopped by a budget, and reported on."""
