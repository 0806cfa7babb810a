#!/usr/bin/env python
"""Django's command line; starts the embedded servers for commands that need them."""

import gc
import io
import os
import signal
import sys

# Nothing that is loaded becomes garbage: looking for some takes a sixth of the start.
gc.disable()

try:
    import django
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import BaseCommand, ManagementUtility

    from imagelib import embedded, newer_database
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed. Run `make setup`, then use .venv/bin/python manage.py …")

WITHOUT_SERVERS = {
    "help",
    "version",
    "check",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "makemessages",
    "prepare_models",
    "run",  # checks its port first, then starts them itself
}
MAY_LACK_SERVERS = {"doctor"}  # it reports which server is down
# Commands that write nothing, check the version themselves, or repair a database of another version.
FOR_ANY_VERSION = {
    *("dbshell", "doctor", "inspectdb", "migrate", "restore", "run", "shell", "showmigrations", "sqlmigrate", "test"),
    *("makemigrations", "optimizemigration", "squashmigrations", "verify_backup"),
}
HELP = {"-h", "--help", "--version"}


class CommandLine(ManagementUtility):
    """Django's command line, which collects garbage once a command and all code are loaded."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        command = super().fetch_command(subcommand)
        gc.freeze()
        gc.enable()
        return command


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imagelib.settings")
    read_settings()
    if needs_servers(arguments[1:]):
        start_servers(is_required=arguments[1] not in MAY_LACK_SERVERS)
        if arguments[1] not in FOR_ANY_VERSION:
            newer_database.refuse_newer()
    try:
        CommandLine(arguments).execute()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has ended, as in `manage.py doctor | head`. Python writes the rest at exit, which goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    finally:
        # At exit Python collects garbage among all objects, which takes a third of a second for imagelib's code.
        gc.freeze()


def needs_servers(arguments: list[str]) -> bool:
    if not arguments or HELP.intersection(arguments):
        return False
    return arguments[0] not in WITHOUT_SERVERS or "--database" in arguments


def read_settings() -> None:
    """Exit with a message if a setting has an invalid value."""
    try:
        settings.VAR  # noqa: B018 - settings are read at the first access
    except (ImproperlyConfigured, ValueError) as error:
        sys.exit(str(error))


def start_servers(*, is_required: bool = True) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            # A normal exit, so that the servers are stopped if this process was their last user.
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    try:
        embedded.start(settings.VAR, services=settings.EMBEDDED)
    except embedded.ServerStartError as error:
        message = translated(error)
        if is_required:
            sys.exit(message)
        print(message, file=sys.stderr)


def translated(error: embedded.ServerStartError) -> str:
    # Translation needs Django's setup, which has not happened if the servers could not be started.
    django.setup()
    from analysis import formatting  # noqa: PLC0415

    return formatting.translated(error)


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Show each line at once, also in a pipe, a file or the journal. A terminal that does not use UTF-8 shows
        # question marks for some characters, instead of ending the command.
        sys.stdout.reconfigure(line_buffering=True, errors="replace")
    main(sys.argv)
