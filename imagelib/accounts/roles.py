"""Roles of users: a description of each, and the permissions of its group.

A role is a group of the same name; migrations create the groups with these permissions. Administrators are Django's
superusers and have no group. A new permission of a role needs a line here, and a migration that grants it to the group
and lists it in `GRANTED = {"staff": ["view_…"]}`; tests/accounts/test_roles.py compares the two.
"""

from __future__ import annotations

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """Roles; the value of a role with a group is the group's name."""

    VIEWER = "viewer", _("Viewer")
    CURATOR = "curator", _("Curator")
    OWNER = "owner", _("Owner")
    STAFF = "staff", _("Staff")
    ADMINISTRATOR = "administrator", _("Administrator")


LINES: dict[Role, str | Promise] = {
    Role.VIEWER: _("Can view pictures shared with them, and keep favorites and saved searches."),
    Role.CURATOR: _("A viewer who can also correct labels and tags on every picture they can see."),
    Role.OWNER: _("Can upload pictures, have them analyzed, and decide who sees them."),
    Role.STAFF: _("Can manage the library: everyone's pictures, buckets, bulk runs and cost. Can't change people."),
    Role.ADMINISTRATOR: _("Can do everything, including people and their permissions."),
}
INVITED = (Role.VIEWER, Role.CURATOR, Role.OWNER, Role.STAFF)
"""Roles for invitations. Not administrators: a link that reaches the wrong person must not give full control."""

_VIEWED_BY_STAFF = [
    "image",
    "label",
    "labelalias",
    "verdict",
    "savedsearch",
    "rating",
    "bulkchange",
    "analysis",
    "batch",
    "call",
    "spend",
    "spendentry",
    "outage",
    "modelversion",
    "heartbeat",
    "face",
    "imagetext",
    "imageindex",
    "bucket",
    "bucketobject",
    "upload",
    "pendingblob",
    "worklease",
    "addedstatistics",
    "endedstatistics",
    "latencystatistics",
    "confidencestatistics",
    "statisticsrun",
    "filekeyword",
    "auditentry",
    "trashdeletion",
    "originaldeletion",
    "collection",
    "sharelink",
]
_WRITTEN_BY_STAFF = [
    "change_image",
    "delete_image",
    "add_label",
    "change_label",
    "add_labelalias",
    "change_labelalias",
    "delete_labelalias",
    "add_verdict",
    "change_verdict",
    "delete_verdict",
    "change_savedsearch",
    "delete_savedsearch",
    "add_batch",
    "change_batch",
    "change_outage",
    "add_bucket",
    "change_bucket",
    "delete_bucket",
    "change_collection",
    "delete_collection",
    "change_sharelink",
    "change_sink",
]
PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.VIEWER: frozenset(),
    Role.CURATOR: frozenset({"add_verdict"}),
    Role.OWNER: frozenset({"add_image"}),
    Role.STAFF: frozenset({"add_image", *(f"view_{model}" for model in _VIEWED_BY_STAFF), *_WRITTEN_BY_STAFF}),
}
"""Codenames of permissions in the app `analysis`."""
