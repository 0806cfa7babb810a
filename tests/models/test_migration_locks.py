"""Migrations do not block large tables, nor break the code that still runs."""

from __future__ import annotations

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now

from tests.models.migration_sql import later_migrations, objections, sql_of

pytestmark = pytest.mark.django_db

# All before the first release: docs/upgrading.md says to stop the processes for them.
EXCEPTIONS = {
    # The primary key is made again; tables were small.
    "0002_index_columns_and_groups": {
        *("adding-serial-primary-key-field", "ban-drop-constraint", "constraint-missing-not-valid"),
    },
    # A new column without values: nothing is read to check it.
    "0008_folders": {"adding-foreign-key-constraint"},
    # A generated column cannot be changed; its table is that of texts, a tenth of the pictures.
    "0010_words_in_text": {"adding-field-with-default", "ban-drop-column", "require-concurrent-index-creation"},
    # NOT NULL is proved by a constraint that was validated without a lock, and then dropped.
    "0024_order_by_date_taken": {"ban-drop-column", "ban-drop-constraint", "ban-drop-not-null"},
    # As 0010.
    "0039_folded_names_and_text": {"adding-field-with-default", "ban-drop-column", "require-concurrent-index-creation"},
    # The foreign key of deliveries, which are deleted after days.
    "0025_sinks": {"adding-foreign-key-constraint", "ban-drop-constraint", "constraint-missing-not-valid"},
    # Uploads are deleted after a day.
    "0034_upload_targets": {"adding-foreign-key-constraint", "require-concurrent-index-creation"},
}
"""By migration, the rules that it may break on a large table."""

ADVICE = """
Columns: null=True or db_default. Indexes and constraints: in a migration of their own, with atomic = False and
AddIndexConcurrently, or AddConstraintNotValid and ValidateConstraint (see 0033). If the table is small, add the
migration to EXCEPTIONS with the reason.
"""


def test_migrations_do_not_lock_large_tables(tmp_path) -> None:
    sql = {
        migration.name: sql_of(migration.operations, state, is_atomic=migration.atomic)
        for migration, state in later_migrations()
    }
    found = objections(tmp_path, sql)
    assert found == {(name, rule) for name, rules in EXCEPTIONS.items() for rule in rules}, ADVICE


NEW = models.Index(fields=["title"], name="image_title")
LOCKING = {
    "index": migrations.AddIndex("image", NEW),
    "type": migrations.AlterField("image", "width", models.BigIntegerField()),
    "volatile default": migrations.AddField("image", "x", models.DateTimeField(db_default=RandomUUID())),
    "default of Python": migrations.AddField("image", "x", models.IntegerField(default=1)),
    "not null": migrations.AlterField("image", "taken_at", models.DateTimeField(db_default=Now())),
    "constraint": migrations.AddConstraint("image", models.CheckConstraint(condition=Q(size__gt=1), name="x")),
    "unique": migrations.AddConstraint("image", models.UniqueConstraint(fields=["title"], name="x")),
    "foreign key": migrations.AddField("image", "x", models.ForeignKey("analysis.Label", models.CASCADE, null=True)),
    "rename": migrations.RenameField("image", "title", "name"),
    "remove": migrations.RemoveField("image", "title"),
    "delete": migrations.DeleteModel("rating"),
    "rename table": migrations.RenameModel("rating", "stars"),
    "SQL": migrations.RunSQL("-- why\nALTER TABLE analysis_image ALTER COLUMN title TYPE text"),
}
HARMLESS = {
    "nullable": migrations.AddField("image", "x", models.IntegerField(null=True)),
    "default of the database": migrations.AddField("image", "x", models.IntegerField(default=1, db_default=1)),
    "small table": migrations.AddField("savedsearch", "x", models.IntegerField(default=1)),
    "index": AddIndexConcurrently("image", NEW),
    "SQL": migrations.RunSQL("UPDATE analysis_bucket SET name = name"),
}


def test_linter_knows_locking_operations(tmp_path) -> None:
    *_, (_migration, state) = later_migrations()
    sql = {name: sql_of([operation], state.clone()) for name, operation in LOCKING.items()}
    broken = objections(tmp_path, sql)
    assert {name for name, _rule in broken} == set(LOCKING), broken


def test_linter_accepts_harmless_operations(tmp_path) -> None:
    *_, (_migration, state) = later_migrations()
    sql = {name: sql_of([operation], state.clone(), is_atomic=False) for name, operation in HARMLESS.items()}
    assert objections(tmp_path, sql) == set()
