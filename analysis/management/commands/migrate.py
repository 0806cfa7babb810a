"""Django's migrate, with a check before it and the table of embeddings after it."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from analysis.management import unknown_migrations
from analysis.recognition.embeddings import table


class Command(migrate.Command):
    def handle(self, *arguments: Any, **options: Any) -> None:
        if not (options["fake"] or options["prune"]):  # these options repair the records that the check reads
            unknown_migrations.check(connections[options["database"]])
        super().handle(*arguments, **options)
        if _has_embeddings(connections[options["database"]]) and not options["plan"] and not options["check_unapplied"]:
            table.create()


def _has_embeddings(connection: BaseDatabaseWrapper) -> bool:
    """True if the migration of the table of embeddings is applied."""
    applied = MigrationRecorder(connection).applied_migrations()
    return any(app == "analysis" and name.endswith("_image_embedding") for app, name in applied)
