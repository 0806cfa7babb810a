"""Links that show pictures to people without an account."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from analysis.models.collections import Collection
from analysis.models.images import Image
from analysis.models.saved_searches import SavedSearch


def new_token() -> str:
    """A random token of 192 bits, which cannot be guessed."""
    return secrets.token_urlsafe(24)


class ShareLink(models.Model):
    """An address at which anyone sees a picture, a collection or a saved search.

    Exactly one of `image`, `collection` and `search` is set.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="share_links", verbose_name=_("owner")
    )
    # Stored as plain text, since its owner can copy it again from the list of links.
    token = models.CharField(_("token"), max_length=64, unique=True, default=new_token, editable=False)
    # CASCADE: links are deleted with their picture, collection or search.
    image = models.ForeignKey(
        Image, on_delete=models.CASCADE, null=True, blank=True, related_name="share_links", verbose_name=_("picture")
    )
    collection = models.ForeignKey(
        Collection,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="share_links",
        verbose_name=_("collection"),
    )
    search = models.ForeignKey(
        SavedSearch,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="share_links",
        verbose_name=_("saved search"),
    )
    password = models.CharField(
        _("password"), max_length=128, blank=True, editable=False, help_text=_("Stored as a hash.")
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    allows_download = models.BooleanField(_("allows downloads"), default=False)
    shows_metadata = models.BooleanField(_("shows metadata"), default=False)
    includes_private = models.BooleanField(_("includes private pictures"), default=False)
    includes_sensitive = models.BooleanField(_("includes sensitive pictures"), default=False)
    views = models.PositiveBigIntegerField(_("views"), default=0, help_text=_("Times the page was opened."))
    viewed_at = models.DateTimeField(_("last viewed"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("share link")
        verbose_name_plural = _("share links")
        constraints = [
            models.CheckConstraint(
                condition=Q(image__isnull=False, collection=None, search=None)
                | Q(image=None, collection__isnull=False, search=None)
                | Q(image=None, collection=None, search__isnull=False),
                name="share_link_has_one_target",
            )
        ]

    def __str__(self) -> str:
        return str(self.image or self.collection or self.search)

    def get_absolute_url(self) -> str:
        return reverse("share", args=[self.token])

    def is_live(self, now: datetime) -> bool:
        """True if neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
