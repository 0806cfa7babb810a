"""Counters of what the processes do, shared through Redis; off without METRICS_TOKEN.

Each process counts in memory and adds its counts to Redis every few seconds (decision 46).
"""
