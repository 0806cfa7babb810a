"""Cities of the world, which name the places that pictures were taken at."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class City(models.Model):
    """A city of GeoNames; empty until `manage.py load_places` fills the table."""

    names = models.CharField(_("names"), max_length=200, help_text=_("City, region and country."))
    latitude = models.FloatField(_("latitude"))
    longitude = models.FloatField(_("longitude"))
    population = models.PositiveIntegerField(_("population"))

    class Meta:
        verbose_name = _("city")
        verbose_name_plural = _("cities")
        indexes = [models.Index(fields=["latitude", "longitude"], name="city_coordinates")]

    def __str__(self) -> str:
        return self.names
