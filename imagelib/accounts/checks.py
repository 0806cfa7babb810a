"""System checks of the sign-in settings; each message has an id and a hint."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name
from django.utils.translation import gettext as _

from imagelib.accounts.roles import Role

MAX_PROXIES = 256
"""Largest network of proxies; a larger one probably contains other hosts, too."""
ROLES = (Role.VIEWER.value, Role.CURATOR.value, Role.OWNER.value)
"""Roles for new accounts. Not staff, since operators of the provider or proxy would decide who runs this library."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@register(Tags.security)
def single_sign_on_complete(**_options: Any) -> list[CheckMessage]:
    names = ("OIDC_SERVER_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    missing = [name for name in names if not getattr(settings, name)]
    if len(missing) in {0, len(names)}:
        return []
    message = _("Single sign-on is not fully configured: %(names)s is not set.") % {"names": ", ".join(missing)}
    return [Error(message, hint=_("Set it to the value from your provider, or remove the others."), id="imagelib.E021")]


@register(Tags.security)
def roles_of_new_accounts_known(**_options: Any) -> list[CheckMessage]:
    return [
        Error(
            _("%(name)s is “%(value)s”, which new accounts can't have.") % {"name": name, "value": value},
            hint=_("Set it to one of: %(names)s.") % {"names": ", ".join(ROLES)},
            id="imagelib.E022",
        )
        for name, value in (("OIDC_ROLE", settings.OIDC_ROLE), ("PROXY_ROLE", settings.PROXY_ROLE))
        if value not in ROLES
    ]


@register(Tags.security)
def proxy_header_guarded(**_options: Any) -> list[CheckMessage]:
    """Check that only trusted proxies can set the header that names the user."""
    if not settings.PROXY_USER_HEADER:
        return []
    hint = _("Set TRUSTED_PROXIES to the addresses of your proxies only.")
    if not settings.TRUSTED_PROXIES:
        message = _("PROXY_USER_HEADER is set, but no proxy is trusted, so it signs nobody in.")
        return [Error(message, hint=hint, id="imagelib.E023")]
    return [
        Error(
            _("Anyone on the internet (%(network)s) could sign in as any user with PROXY_USER_HEADER.")
            % {"network": text},
            hint=hint,
            id="imagelib.E024",
        )
        for text in settings.TRUSTED_PROXIES
        if _size(text) >= 2**32
    ]


@register(Tags.security, deploy=True)
def proxy_network_small(**_options: Any) -> list[CheckMessage]:
    if not settings.PROXY_USER_HEADER:
        return []
    return [
        Warning(
            _("Every machine in %(network)s can sign in as any user with PROXY_USER_HEADER.") % {"network": text},
            hint=_("List only the proxies' own addresses in TRUSTED_PROXIES."),
            id="imagelib.W021",
        )
        for text in settings.TRUSTED_PROXIES
        if MAX_PROXIES < _size(text) < 2**32
    ]


@register(Tags.security, deploy=True)
def single_sign_on_encrypted(**_options: Any) -> list[CheckMessage]:
    parts = urlsplit(settings.OIDC_SERVER_URL)
    if not settings.OIDC_CLIENT_ID or parts.scheme == "https" or parts.hostname in LOOPBACK:
        return []
    message = _("OIDC_SERVER_URL doesn't begin with https://, so anyone on the network path can sign in as any user.")
    return [Warning(message, hint=_("Use the provider's HTTPS address."), id="imagelib.W022")]


def _size(text: str) -> int:
    """Number of addresses, or of /64 networks for IPv6; 0 for invalid text."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return 0
    return network.num_addresses if network.version == 4 else 2 ** max(64 - network.prefixlen, 0)
