from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

LEASE = timedelta(seconds=120)
"""Time after which another run may take over the lease of a killed one."""


class WorkLease(models.Model):
    """The right of one process to do all background work with `manage.py work`."""

    NAME = "work"

    name = models.CharField(_("name"), max_length=20, primary_key=True, default=NAME)
    token = models.UUIDField(_("token"), null=True, blank=True, help_text=_("Of the run in progress."))
    host = models.CharField(_("host"), max_length=100, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    ended_at = models.DateTimeField(_("finished"), null=True, blank=True, help_text=_("End of the last run."))
    is_requested = models.BooleanField(
        _("requested again"), default=False, db_default=False, help_text=_("Another run was started in the meantime.")
    )
    scheduled_at = models.DateTimeField(
        _("scheduled run"), null=True, blank=True, help_text=_("When a run was last started by ANALYZE_SCHEDULE.")
    )

    class Meta:
        verbose_name = _("work lease")
        verbose_name_plural = _("work leases")

    def __str__(self) -> str:
        return f"{self.name} on {self.host}" if self.token else self.name

    @staticmethod
    def is_free() -> Q:
        """Condition for a lease without a run in progress.

        A time far ahead was written before the clock was set back.
        """
        return Q(token=None) | Q(expires_at__lte=Now()) | Q(expires_at__gt=Now() + 2 * LEASE)
