"""Settings of metrics, who may read them, Sentry, and warnings of old backups."""

from __future__ import annotations

from imagelib.settings.environment import env

METRICS_TOKEN = env.str("METRICS_TOKEN", "")
# Addresses and networks that may read metrics without a token.
METRICS_ADDRESSES: list[str] = env.list("METRICS_ADDRESSES", [])
METRICS_ENABLED = bool(METRICS_TOKEN or METRICS_ADDRESSES)

SENTRY_DSN = env.str("SENTRY_DSN", "")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", "production")
SENTRY_TRACES_SAMPLE_RATE = env.float("SENTRY_TRACES_SAMPLE_RATE", 0.0)
BACKUP_WARNING_DAYS = env.int("BACKUP_WARNING_DAYS", 7)
