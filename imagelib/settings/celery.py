"""Settings of Celery: work is in the database, and messages contain only ids."""

from __future__ import annotations

from imagelib import celery_broker, celery_schedule, embedded
from imagelib.settings.environment import REDIS_URL, VAR, env
from imagelib.settings.storage import AWS_REGION

LEASE_SECONDS = env.float("LEASE_SECONDS", 120.0)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", 10.0)
WATCHDOG_MINUTES = env.float("WATCHDOG_MINUTES", 15.0)
HAS_REDIS = REDIS_URL != "none"
REDIS = (REDIS_URL or embedded.redis_url(VAR)) if HAS_REDIS else ""
# Without Redis the cache is a folder, which is enough for one machine.
_FILES = {"BACKEND": "imagelib.cache.OptionalFileCache", "LOCATION": VAR / "cache"}
_REDIS = {"BACKEND": "imagelib.cache.OptionalRedisCache", "LOCATION": REDIS}
CACHES = {"default": {**(_REDIS if HAS_REDIS else _FILES), "KEY_PREFIX": "imagelib"}}
# Empty without Celery, when `manage.py work` does all background work.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", "") or ((REDIS_URL or embedded.broker_url(VAR)) if HAS_REDIS else "")
CELERY_QUEUE_URL = env.str("CELERY_QUEUE_URL", "")
CELERY_TASK_IGNORE_RESULT = True
# Tasks are acknowledged when they end, so that those of a killed worker run again.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_RETRY_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "imagelib"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Short, since pages enqueue tasks; what is not enqueued is found by the sweeper.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
# Tasks mostly wait for other services, and a process for each would need 30 to 50 MB (decision 3).
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 8  # messages; calls in progress are limited by RECOGNITION_THREADS
# By default a worker reserves four messages per thread, which would wait behind its long tasks while others are idle.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A task that lost its broker goes on: its work is claimed in the database, and a second delivery finds none.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Otherwise a worker ends after a hundred attempts to reach its broker.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = celery_broker.transport_options(
    CELERY_BROKER_URL, queue=CELERY_TASK_DEFAULT_QUEUE, queue_url=CELERY_QUEUE_URL, region=AWS_REGION
)
# SQS has no broadcast, which remote control of workers needs.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = not celery_broker.is_sqs(CELERY_BROKER_URL)
CELERY_BEAT_SCHEDULER = "imagelib.celery_beat_scheduler:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "beat-schedule")
# Scheduled bulk runs: a crontab, and the options of analyze_images.
ANALYZE_SCHEDULE = env.str("ANALYZE_SCHEDULE", "")
ANALYZE_OPTIONS = env.str("ANALYZE_OPTIONS", "--missing")
CELERY_BEAT_SCHEDULE = celery_schedule.beat(sweep_seconds=SWEEP_SECONDS, analyze_schedule=ANALYZE_SCHEDULE)
