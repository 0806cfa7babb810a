"""Settings of Gunicorn started in this folder; its command line overrides them."""

import ctypes
import gc
from contextlib import suppress

# glibc gives each thread its own heap, so the memory of eight threads would grow for a long time (mallopt(3)).
M_ARENA_MAX = -8
with suppress(OSError, AttributeError):  # no glibc
    ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)

worker_class = "imagelib.gunicorn_worker.BufferingWorker"
logger_class = "imagelib.access_log.Logger"
workers = 2
# Loaded once before forking, to save each worker a second of CPU time and its own copy in memory. So new code needs a
# restart; SIGHUP would start new workers with the old code.
preload_app = True
threads = 8
worker_connections = 400
graceful_timeout = 5
# The limit is imagelib.gunicorn_worker.HEAD_BYTES, since a long search in a non-Latin script makes a very long URL.
limit_request_line = 0
limit_request_field_size = 0


def when_ready(_server: object) -> None:
    """Exempt the loaded code from garbage collection, before the workers are forked."""
    # The garbage collector writes to every object it visits, so workers would soon share no memory with their parent
    # (see gc.freeze in Python's documentation).
    gc.freeze()
