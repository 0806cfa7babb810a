from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagelib.accounts.models import ApiToken

RETENTION = timedelta(days=1)


class IdempotentRequest(models.Model):
    """An API request with an Idempotency-Key and its response, kept for a day."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+", verbose_name=_("token"))
    key = models.CharField(_("key"), max_length=200)
    fingerprint = models.CharField(_("fingerprint"), max_length=64, help_text=_("Digest of the request."))
    status = models.PositiveSmallIntegerField(_("status"), default=0, help_text=_("0 while the request is handled."))
    body = models.BinaryField(_("response"), null=True)
    location = models.CharField(_("location"), max_length=200, blank=True)
    # Django's clock instead of the database's, since the first request compares it before it is saved.
    created_at = models.DateTimeField(_("created"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("idempotent request")
        verbose_name_plural = _("idempotent requests")
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="idempotentrequest_key_once")]

    def __str__(self) -> str:
        return self.key

    @classmethod
    def delete_expired(cls) -> None:
        cls.objects.filter(created_at__lt=timezone.now() - RETENTION).delete()
