"""The table of embeddings, on servers with pgvector and without."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from analysis.health.embeddings import check_embeddings
from analysis.library import removal
from analysis.models import Image, ImageEmbedding
from analysis.recognition.embeddings import queue, table
from analysis.recognition.embeddings.table import PgvectorStatus
from tests import factories

[FILE] = (Path(settings.BASE_DIR) / "analysis" / "migrations").glob("*_image_embedding.py")
migration = import_module(f"analysis.migrations.{FILE.stem}")


def has_extension() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_extension WHERE extname = 'vector'")
        return cursor.fetchone()[0] == 1


def test_migrated_database_has_the_table(db):
    assert (table.status(), table.exists()) == (PgvectorStatus.READY, True)


def test_server_without_pgvector_is_reported_and_left_alone(without_pgvector):
    assert (table.create(), table.exists()) == (PgvectorStatus.MISSING, False)
    finding = check_embeddings()
    assert finding.is_fine
    assert "doesn't have the pgvector extension" in finding.sentence
    assert "manage.py migrate" in finding.next_step


def test_database_whose_owner_may_not_create_extensions_is_reported(without_permission):
    assert (table.create(), table.exists()) == (PgvectorStatus.NOT_CREATED, False)
    assert "CREATE EXTENSION vector" in check_embeddings().next_step


def test_extension_outside_of_the_search_path_is_reported(with_hidden_extension):
    assert (table.create(), table.exists()) == (PgvectorStatus.HIDDEN, False)
    assert "search_path" in check_embeddings().next_step


@pytest.mark.parametrize("obstacle", ["without_pgvector", "without_permission", "with_hidden_extension"])
def test_migration_passes_without_pgvector(obstacle, request):
    request.getfixturevalue(obstacle)
    with connection.schema_editor() as editor:
        migration.create_table(apps, editor)
    assert table.exists() is False


def test_migration_creates_the_table_and_drops_it(without_extension):
    with connection.schema_editor() as editor:
        migration.create_table(apps, editor)
    assert table.status() is PgvectorStatus.READY
    with connection.schema_editor() as editor:
        migration.drop_table(apps, editor)
        migration.drop_table(apps, editor)
    assert table.status() is PgvectorStatus.NO_TABLE


def test_migrate_creates_the_table_once_the_extension_is_there(without_extension):
    assert table.status() is PgvectorStatus.NOT_CREATED
    call_command("migrate", verbosity=0)
    assert (table.status(), has_extension()) == (PgvectorStatus.READY, True)


def test_migrate_that_only_shows_its_plan_creates_nothing(without_extension):
    call_command("migrate", plan=True, verbosity=0)
    assert (table.exists(), has_extension()) == (False, False)


def test_pictures_are_added_and_deleted_without_pgvector(owner, without_pgvector):
    image = factories.create_image(owner)
    queue.enqueue([image.pk])
    removal.remove_image(image)
    assert Image.objects.count() == 0
    assert (queue.is_enabled(), queue.is_due()) == (False, False)


def test_embedding_is_deleted_with_its_picture(owner):
    image, other = factories.create_image(owner), factories.create_image(owner)
    for picture in (image, other):
        factories.create_embedding(picture, [1])
    removal.remove_image(image)
    assert list(ImageEmbedding.objects.values_list("pk", flat=True)) == [other.pk]
