"""Logs."""

from __future__ import annotations

from imagelib import log_config
from imagelib.settings.environment import env

LOGGING = log_config.log_config(env.str("LOG_LEVEL", "INFO"))
