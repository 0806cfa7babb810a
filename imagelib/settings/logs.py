"""Settings of logs: level, format, and the secrets to redact."""

from __future__ import annotations

import os

from imagelib import log_config
from imagelib.settings.database import DATABASES
from imagelib.settings.environment import env
from imagelib.settings.mail import EMAIL_HOST_PASSWORD
from imagelib.settings.monitoring import METRICS_TOKEN
from imagelib.settings.security import DEBUG, SECRET_KEY
from imagelib.settings.storage import SENDFILE_KEY

LOG_FORMAT = log_config.log_format(env.str("LOG_FORMAT", ""), is_debug=DEBUG)
# Redacted wherever they occur in a line, in addition to text that looks like a secret.
LOG_SECRETS = [
    SECRET_KEY,
    EMAIL_HOST_PASSWORD,
    METRICS_TOKEN,
    SENDFILE_KEY,
    *(str(database.get("PASSWORD") or "") for database in DATABASES.values()),
    *(os.environ.get(name, "") for name in log_config.SECRET_VARIABLES),
]
LOGGING = log_config.log_config(
    log_config.log_level(env.str("LOG_LEVEL", "INFO")), format_name=LOG_FORMAT, secrets=LOG_SECRETS
)
