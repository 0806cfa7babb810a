"""Permissions for templates, which show a control only to users who may use it."""

from __future__ import annotations

from django.utils.functional import cached_property

from analysis import permissions
from analysis.health import welcome_page
from analysis.permissions import accounts as rights


class May:
    """The user's permissions for templates, evaluated on first use and cached."""

    def __init__(self, user: permissions.AnyUser) -> None:
        self._user = user

    @cached_property
    def upload_images(self) -> bool:
        return permissions.can_upload_images(self._user)

    @cached_property
    def analyze_images(self) -> bool:
        """False if the user owns no pictures, as there would be nothing to analyze."""
        return self.edit_images and permissions.can_analyze_images(self._user)

    @cached_property
    def edit_images(self) -> bool:
        """True if there is any picture that the user can edit."""
        return permissions.editable_images(self._user).exists()

    @cached_property
    def review_labels(self) -> bool:
        return self.edit_images or permissions.is_curator(self._user)

    @cached_property
    def add_buckets(self) -> bool:
        return permissions.can_add_buckets(self._user)

    @cached_property
    def view_system(self) -> bool:
        return permissions.can_view_system(self._user)

    @cached_property
    def welcome(self) -> bool:
        """False once the welcome page is dismissed; its URL still works."""
        return permissions.can_open_welcome(self._user) and welcome_page.welcome_dismissed_at() is None

    @cached_property
    def view_audit_log(self) -> bool:
        return permissions.can_view_audit_log(self._user)

    @cached_property
    def manage_sinks(self) -> bool:
        return permissions.can_manage_sinks(self._user)

    @cached_property
    def open_admin(self) -> bool:
        return permissions.can_open_admin(self._user)

    @cached_property
    def view_people(self) -> bool:
        return rights.can_view_people(self._user)
