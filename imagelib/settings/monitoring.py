"""Metrics, and who may read them and the causes that /readyz names."""

from __future__ import annotations

from imagelib.settings.environment import env

METRICS_TOKEN = env.str("METRICS_TOKEN", "")
# Addresses and networks that need no token.
METRICS_ADDRESSES: list[str] = env.list("METRICS_ADDRESSES", [])
METRICS_ENABLED = bool(METRICS_TOKEN or METRICS_ADDRESSES)
