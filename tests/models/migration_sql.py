"""SQL of migrations on large tables, and the linter's objections to it."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from django.db import connection, migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

APP = "analysis"
LARGE = {
    *("image", "analysis", "imagelabel", "imageindex", "imagetext", "imageembedding", "face", "filekeyword"),
    *("call", "verdict", "rating", "bucketobject", "upload", "batchimage", "changedimage", "collectionimage"),
    *("auditentry", "auditedimages", "delivery", "alertmatch"),
}
"""Models with as many rows as there are pictures, or more."""
IGNORED = (
    *("prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-text-field", "prefer-robust-stmts"),
    *("prefer-identity", "prefer-timestamptz", "require-lock-timeout", "require-statement-timeout"),
)
"""Rules about style, and about time limits, which are the operator's (docs/upgrading.md)."""
SQUAWK = Path(sysconfig.get_path("scripts"), "squawk")
TABLES = re.compile(rf'\b{APP}_({"|".join(sorted(LARGE))})"?(?![\w])')


def later_migrations() -> Iterator[tuple[migrations.Migration, ProjectState]]:
    """Migrations after the initial one, each with the state before it."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    state = ProjectState(real_apps=loader.unmigrated_apps)
    done = set()
    for leaf in loader.graph.leaf_nodes():
        for node in loader.graph.forwards_plan(leaf):
            if node not in done:
                done.add(node)
                migration = loader.graph.nodes[node]
                if node[0] == APP and not migration.initial:
                    yield migration, state.clone()
                state = migration.mutate_state(state, preserve=False)


def sql_of(operations: Sequence[Operation], state: ProjectState, *, is_atomic: bool = True) -> list[str]:
    """Statements of the operations that may concern large tables."""
    statements: list[str] = []
    for operation in operations:
        if not _is_relevant(operation):
            operation.state_forwards(APP, state)
            continue
        before, state = state, state.clone()
        operation.state_forwards(APP, state)
        # Not the test's, which is in a transaction, where no index can be made concurrently.
        with closing(connection.copy()) as own, own.schema_editor(collect_sql=True, atomic=False) as editor:
            operation.database_forwards(APP, editor, before, state)
        statements += editor.collected_sql
    return ["BEGIN;", *statements, "COMMIT;"] if is_atomic else statements


def objections(folder: Path, sql: dict[str, list[str]]) -> set[tuple[str, str]]:
    """Name and rule of statements on large tables that the linter objects to."""
    for name, statements in sql.items():
        (folder / f"{name}.sql").write_text("\n".join(statements))
    command = [SQUAWK, "--reporter", "json", "--pg-version", "15", *(f"--exclude={rule}" for rule in IGNORED)]
    result = subprocess.run([*command, *sorted(folder.glob("*.sql"))], capture_output=True, text=True, check=False)
    return {
        (name, violation["rule_name"])
        for violation in json.loads(result.stdout)
        if TABLES.search(_statement(sql[name := Path(violation["file"]).stem], line=violation["line"]))
    }


def _is_relevant(operation: Operation) -> bool:
    names = {getattr(operation, name, "").lower() for name in ("model_name", "name", "old_name")}
    return isinstance(operation, migrations.RunSQL | migrations.SeparateDatabaseAndState) or bool(LARGE & names)


def _statement(statements: list[str], *, line: int) -> str:
    """The statement at a line of the file, counted from 0."""
    return [statement for statement in statements for _line in statement.split("\n")][line]
