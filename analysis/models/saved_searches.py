from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _


class SavedSearch(models.Model):
    """A named query of one user, including its sort order.

    Shared ones can be opened by all signed-in users.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=100)
    query = models.TextField(_("search"), blank=True, help_text=_("As typed into the search box, with its sort order."))
    density = models.CharField(_("picture size"), max_length=12, blank=True)
    is_shared = models.BooleanField(_("shared"), default=False)
    saved_at = models.DateTimeField(_("saved"), db_default=Now())

    class Meta:
        verbose_name = _("saved search")
        verbose_name_plural = _("saved searches")
        # Case-insensitive, since "Dogs" and "dogs" in one menu look like the same search.
        constraints = [models.UniqueConstraint("owner", Lower("name"), name="saved_search_name_once")]

    def __str__(self) -> str:
        return self.name
