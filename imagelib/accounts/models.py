"""User accounts, API tokens, sessions and invitations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagelib.accounts.roles import Role

if TYPE_CHECKING:
    from imagelib.accounts.session_store import SessionStore


class User(AbstractUser):
    class Theme(models.TextChoices):
        SYSTEM = "system", _("System")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    # Four bytes, not eight, since the owner's id is in every row and index entry that a search reads.
    id = models.AutoField(primary_key=True)
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        help_text=_("For example Europe/Berlin. Leave empty to use the browser's time zone."),
    )
    theme = models.CharField(_("theme"), max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        db_default="",
        help_text=_("For example en. Leave empty to use the browser's language."),
    )
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True, editable=False)
    has_generated_password = models.BooleanField(
        _("generated password"),
        default=False,
        db_default=False,
        editable=False,
        help_text=_("Generated and printed by manage.py run, and not changed since."),
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                condition=~models.Q(email=""),
                name="accounts_user_email_unique",
                violation_error_message=_("Another account already uses this email address."),
            ),
            models.CheckConstraint(
                condition=models.Q(theme__in=("system", "light", "dark")), name="accounts_user_theme_known"
            ),
        ]

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.has_generated_password = False


class ApiToken(models.Model):
    """A secret that lets a program act for a user, within its scopes.

    Only a digest is stored; the text is shown once, when the token is created (`api_tokens.create`).
    """

    class Scope(models.TextChoices):
        READ = "read", _("Read: search and view what you can see")
        WRITE = "write", _("Write: upload, edit, label, move to trash")
        DELETE = "delete", _("Delete: delete pictures in your trash forever")
        ANALYZE = "analyze", _("Analyze: start analyses, up to a spending limit")
        ADMIN = "admin", _("Administer: manage buckets, spending and health, as far as your account allows")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("user"))
    name = models.CharField(_("name"), max_length=100)
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False, help_text=_("SHA-256."))
    hint = models.CharField(_("starts with"), max_length=16, editable=False)
    scopes = ArrayField(models.CharField(max_length=8, choices=Scope), verbose_name=_("scopes"))
    spending_limit = models.DecimalField(
        _("spending limit"),
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Maximum total cost of analyses started with this token, in US dollars."),
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [
            models.CheckConstraint(
                # A comparison with NULL is neither true nor false, and a check constraint accepts that.
                condition=~models.Q(scopes__contains=["analyze"])
                | models.Q(spending_limit__isnull=False, spending_limit__gte=0),
                name="accounts_token_analyze_has_limit",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Session(AbstractBaseSession):
    """A browser session, with the device and network by which its owner recognizes it.

    Replaces Django's own table, as its documentation describes for sessions that belong to an account.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="sessions", verbose_name=_("user"))
    created_at = models.DateTimeField(_("started"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), default=timezone.now)
    user_agent = models.CharField(_("user agent"), max_length=300, blank=True)
    network = models.CharField(_("network"), max_length=50, blank=True, help_text=_("The address without its end."))

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        from imagelib.accounts.session_store import SessionStore  # noqa: PLC0415 - it imports this module

        return SessionStore


class Invitation(models.Model):
    """An invitation to create an account, by opening a link and setting a password.

    Only a digest of the link's secret is stored (`invitations.create`). A new link replaces the previous one.
    """

    name = models.CharField(_("name"), max_length=150)
    email = models.EmailField(_("email address"), blank=True)
    role = models.CharField(_("role"), max_length=13, choices=Role)
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False, help_text=_("SHA-256."))
    invited_by = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="invitations", verbose_name=_("invited by")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    expires_at = models.DateTimeField(_("expires"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    account = models.OneToOneField(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="invitation", verbose_name=_("account")
    )

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                condition=models.Q(accepted_at=None, revoked_at=None) & ~models.Q(email=""),
                name="accounts_invitation_email_open_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name
