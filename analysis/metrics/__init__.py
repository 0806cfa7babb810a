"""Counters of the processes, summed in Redis.

Off without METRICS_TOKEN and METRICS_ADDRESSES.

Each process counts in memory and adds its counts to Redis every few seconds (decision 46).
"""
