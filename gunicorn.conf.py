"""Settings of Gunicorn started in this folder; its command line overrides them."""

import gc

worker_class = "imagelib.gunicorn_worker.BufferingWorker"
logger_class = "imagelib.gunicorn_logger.Logger"
workers = 2
# Loaded once and then forked: each worker would take a second of processor time and its own memory for it. New code
# therefore needs a restart; SIGHUP only starts new workers with the code of before.
preload_app = True
threads = 8
worker_connections = 400
graceful_timeout = 5
# Bounded by imagelib.gunicorn_worker.HEAD_BYTES: a long search in another alphabet is a long address.
limit_request_line = 0
limit_request_field_size = 0


def when_ready(_server: object) -> None:
    """Exempt the loaded code from garbage collection, before the workers are forked."""
    # The collector writes into each object that it visits, so the workers would soon share no page of memory with their
    # parent (gc.freeze in Python's documentation).
    gc.freeze()
