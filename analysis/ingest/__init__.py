"""Checks, decoding, metadata and renditions of untrusted files.

No Django, no network.
"""
