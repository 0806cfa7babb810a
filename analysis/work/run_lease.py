"""The lease of the run in progress, which prevents a second one."""

from __future__ import annotations

import logging
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import Error, connection, transaction
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis.formatting import duration
from analysis.models import WorkLease
from analysis.models.work_lease import LEASE

logger = logging.getLogger(__name__)

RENEWAL_SECONDS = LEASE.total_seconds() / 4


class AlreadyRunning(Exception):
    """Another run has the lease.

    It will check for work again before it ends.
    """

    def __init__(self, host: str, started_at: datetime) -> None:
        super().__init__(host, started_at)
        self.host, self.started_at = host, started_at

    def __str__(self) -> str:
        sentence = _("Already running on %(host)s for %(age)s, since %(time)s. That run will also do the work due now.")
        age = max(now() - self.started_at, timedelta(0))
        time = self.started_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        return sentence % {"host": self.host, "age": duration(age), "time": time}


class Lease:
    """The lease of this process, renewed in a thread until it is released."""

    def __init__(self, token: uuid.UUID) -> None:
        self._own = WorkLease.objects.filter(name=WorkLease.NAME, token=token)

    def release(self, *, unless_requested: bool = False) -> bool:
        """Release the lease.

        `unless_requested`: keep it and return False if another run was started in the meantime.
        """
        own = self._own.filter(is_requested=False) if unless_requested else self._own
        if own.update(token=None, ended_at=Now(), expires_at=None, is_requested=False):
            return True
        # Without a row, another run has taken over, and nothing is left to release.
        return not self._own.update(is_requested=False)

    def renew(self) -> bool:
        """Renew the lease. False if another run has it, since this one was too late."""
        return bool(self._own.update(expires_at=Now() + LEASE))


@contextmanager
def acquired(*, on_loss: Callable[[], None]) -> Iterator[Lease]:
    """Hold the lease. Raises AlreadyRunning."""
    lease = _acquire()
    done = threading.Event()
    thread = threading.Thread(target=_renew, args=(lease, done, on_loss), daemon=True, name="lease")
    thread.start()
    try:
        yield lease
    finally:
        done.set()
        thread.join()
        lease.release()


def _acquire() -> Lease:
    # A row and not an advisory lock, which would end with its connection, and poolers recycle those.
    token, host = uuid.uuid4(), socket.gethostname()[:100]
    WorkLease.objects.bulk_create([WorkLease()], ignore_conflicts=True)
    values = {"token": token, "host": host, "started_at": Now(), "expires_at": Now() + LEASE, "is_requested": False}
    with transaction.atomic():
        # Locked, so that the run in progress cannot end between the two statements and miss the request.
        row = WorkLease.objects.select_for_update().get(name=WorkLease.NAME)
        if WorkLease.objects.filter(WorkLease.is_free(), name=WorkLease.NAME).update(**values):
            return Lease(token)
        WorkLease.objects.filter(name=WorkLease.NAME).update(is_requested=True)
    raise AlreadyRunning(row.host, row.started_at or now())


def _renew(lease: Lease, done: threading.Event, on_loss: Callable[[], None]) -> None:
    while not done.wait(RENEWAL_SECONDS):
        try:
            if not lease.renew():
                logger.error("Another run of `manage.py work` has taken over; this one stops.")
                on_loss()
                return
        except Error as error:
            logger.warning("The lease could not be renewed: %s", error)
        finally:
            # Returned to the pool, since this thread only waits until the next renewal.
            connection.close()
