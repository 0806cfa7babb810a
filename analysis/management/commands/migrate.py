"""Django's migrate, preceded by a check of the database's version."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from analysis.management import database_version


class Command(migrate.Command):
    def handle(self, *arguments: Any, **options: Any) -> None:
        if not (options["fake"] or options["prune"]):  # these repair the record of migrations that the check reads
            database_version.check(connections[options["database"]])
        super().handle(*arguments, **options)
