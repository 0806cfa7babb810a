"""Databases without pgvector; all is rolled back."""

from __future__ import annotations

import pytest
from django.db import connection

from analysis.recognition.embeddings import table


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def without_extension(db):
    """A database as it was before the migration; all is rolled back."""
    execute(f"DROP TABLE {table.TABLE}; DROP EXTENSION vector")


@pytest.fixture
def without_pgvector(without_extension):
    """A server on which pgvector is not installed."""
    execute("SET LOCAL extension_control_path = '/nonexistent'")


@pytest.fixture
def without_permission(without_extension):
    """A database whose owner is no superuser."""
    execute("CREATE ROLE weak; GRANT ALL ON ALL TABLES IN SCHEMA public TO weak; GRANT ALL ON SCHEMA public TO weak")
    execute("SET LOCAL ROLE weak")


@pytest.fixture
def with_hidden_extension(without_extension):
    """pgvector in a schema that is not searched."""
    execute("CREATE SCHEMA elsewhere; CREATE EXTENSION vector SCHEMA elsewhere")
