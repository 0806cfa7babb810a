"""System checks of a public installation, for `manage.py check --deploy`."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.utils.translation import gettext as _

from analysis.formatting import filesize


@register(Tags.security, deploy=True)
def memory_suffices(**_options: Any) -> list[CheckMessage]:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if machine * 3 // 4 >= settings.DECODE_MEMORY_BYTES:
        return []
    return [
        checks.Warning(
            _("DECODE_MEMORY_BYTES is %(size)s, more than three quarters of this machine's memory (%(memory)s).")
            % {"size": filesize(settings.DECODE_MEMORY_BYTES), "memory": filesize(machine)},
            hint=_(
                "Lower it: all decoding processes together can use this much memory, in addition to the servers and"
                " workers."
            ),
            id="imagelib.W007",
        )
    ]


@register(Tags.security, deploy=True)
def services_of_its_own(**_options: Any) -> list[CheckMessage]:
    if not settings.EMBEDDED:
        return []
    return [
        checks.Warning(
            _("imagelib runs its own %(services)s, which only this machine can reach.")
            % {"services": ", ".join(sorted(settings.EMBEDDED))},
            hint=_("Set DATABASE_URL and REDIS_URL to servers that all web and worker processes can reach."),
            id="imagelib.W001",
        )
    ]


@register(Tags.security, deploy=True)
def proxy_in_front(**_options: Any) -> list[CheckMessage]:
    if settings.SECURE_PROXY_SSL_HEADER is None:
        sentence = _("The web server is not behind a proxy, so there is no TLS, and slow clients block its workers.")
        hint = _("Add a proxy that buffers requests and responses, and set BEHIND_PROXY and TRUSTED_PROXIES.")
        return [checks.Warning(sentence, hint=hint, id="imagelib.W004")]
    if not settings.TRUSTED_PROXIES:
        sentence = _("TRUSTED_PROXIES is not set, so all failed sign-ins are counted for the proxy's address.")
        hint = _("Set it to the addresses the proxy connects from, for example 127.0.0.1.")
        return [checks.Warning(sentence, hint=hint, id="imagelib.W005")]
    return []


@register(Tags.security, deploy=True)
def not_root(**_options: Any) -> list[CheckMessage]:
    if os.geteuid() != 0:
        return []
    return [
        checks.Info(  # not a warning: image builds often run `check --deploy` as root but serve as another user
            _("imagelib runs as root: a vulnerability would expose the entire machine."),
            hint=_("Run it as a separate user with write access to IMAGELIB_VAR only."),
            id="imagelib.I001",
        )
    ]
