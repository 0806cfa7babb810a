"""Serve the Model Context Protocol over standard input and output."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.management.translated_command import TranslatedCommand
from imagelib.accounts import api_tokens


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Serve the library to a language model's client over standard input and output, with the permissions of the "
        "API token in the environment variable IMAGELIB_TOKEN. Clients start this command themselves."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        # Not an option, since everyone on the machine can read the arguments of a process.
        text = os.environ.get("IMAGELIB_TOKEN", "")
        if api_tokens.find(text) is None:
            raise CommandError(_("IMAGELIB_TOKEN is not a valid API token. Create one on your account page."))
        # Imported here, since the SDK takes half a second that other commands should not spend.
        from analysis.mcp_server.stdio import serve

        serve(text)
