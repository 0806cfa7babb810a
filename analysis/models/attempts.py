from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import connection, models
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

# An expired row starts over. Others keep their expiry, since each attempt would extend the wait otherwise.
_INCREMENT = """
    INSERT INTO analysis_attemptcount AS counted (key, number, expires_at)
    SELECT key, 1, now() + make_interval(secs => %s) FROM unnest(%s::text[]) key ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
        number = CASE WHEN counted.expires_at <= now() THEN 1 ELSE counted.number + 1 END,
        expires_at = CASE WHEN counted.expires_at <= now() THEN excluded.expires_at ELSE counted.expires_at END
    RETURNING number
"""


class AttemptCount(models.Model):
    """Attempts such as failed sign-ins, in an installation without Redis.

    Keys are digests and ids, so that neither names nor tokens are stored.
    """

    key = models.CharField(_("key"), max_length=200, primary_key=True)
    number = models.PositiveIntegerField(_("number"), default=0)
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("attempt count")
        verbose_name_plural = _("attempt counts")

    def __str__(self) -> str:
        return self.key

    @staticmethod
    def increment(keys: Iterable[str], *, seconds: int) -> int:
        """Count an attempt under each key for `seconds`; returns the largest number."""
        with connection.cursor() as cursor:
            cursor.execute(_INCREMENT, [seconds, list(keys)])
            return max(int(number) for (number,) in cursor.fetchall())

    @classmethod
    def seconds_to_wait(cls, limits: Mapping[str, int]) -> float:
        """Seconds until all keys are below their limit of attempts."""
        current = cls.objects.filter(key__in=limits, expires_at__gt=Now())
        rows = current.values_list("key", "number", F("expires_at") - Now())
        return max((left.total_seconds() for key, number, left in rows if number >= limits[key]), default=0.0)

    @classmethod
    def delete_expired(cls) -> None:
        cls.objects.filter(expires_at__lte=Now()).delete()
