#!/usr/bin/env python
"""Django's command line. Embedded servers are started before the command, unless it needs none."""

import os
import signal
import sys

try:
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from imagelib import embedded
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed here. Run `make setup`, then use .venv/bin/python manage.py …")

WITHOUT_SERVERS = {
    "help",
    "version",
    "check",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "makemessages",
    "run",  # looks whether its port is free first
}
MAY_LACK_SERVERS = {"doctor"}  # it tells what does not answer
HELP = {"-h", "--help", "--version"}


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imagelib.settings")
    if needs_servers(arguments[1:]):
        start_servers(must=arguments[1] not in MAY_LACK_SERVERS)
    execute_from_command_line(arguments)


def needs_servers(words: list[str]) -> bool:
    if not words or HELP.intersection(words):
        return False
    return words[0] not in WITHOUT_SERVERS or "--database" in words


def start_servers(*, must: bool = True) -> None:
    try:
        var, services = settings.VAR, settings.EMBEDDED
    except (ImproperlyConfigured, ValueError) as mistake:
        sys.exit(str(mistake))
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            # An orderly end, so that the servers are stopped if this process was their last user.
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        embedded.start(var, services=services)
    except embedded.ServerStartError as unstartable:
        if must:
            sys.exit(str(unstartable))
        print(unstartable, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv)
