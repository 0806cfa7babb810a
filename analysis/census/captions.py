"""Captions of the figures of a census, for its page and its command."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DIMENSIONS: dict[str, Promise | str] = {
    "prefix": _("Prefix"),
    "type": _("Type"),
    "age": _("Age"),
    "storage-class": _("Storage class"),
}
AGES: dict[str, Promise | str] = {
    "days30": _("up to 30 days"),
    "days90": _("31 to 90 days"),
    "year1": _("91 days to 1 year"),
    "years3": _("1 to 3 years"),
    "older": _("over 3 years"),
    "unknown": _("unknown"),
}
WITHOUT_COLUMN: dict[str, Promise | str] = {
    "etag": _("The inventory has no ETag column, so duplicates and pictures already in the library are unknown."),
    "lastmodifieddate": _("The inventory has no LastModifiedDate column, so ages are unknown."),
    "size": _("The inventory has no Size column, so sizes and files over the limit are unknown."),
    "storageclass": _("The inventory has no StorageClass column, so archived objects are counted as pictures."),
}


def group_name(dimension: str, name: str) -> str:
    """The name of a group as a person reads it."""
    if dimension == "age":
        return str(AGES.get(name, name))
    if dimension == "type":
        return name or str(_("no extension"))
    if dimension == "prefix":
        return name or str(_("(no folder)"))
    return name
