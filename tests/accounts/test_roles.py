"""The definition of the roles agrees with the groups of the migrations."""

from importlib import import_module
from pathlib import Path

from django.conf import settings

from imagelib.accounts.roles import INVITED, LINES, PERMISSIONS, Role


def granted_by_migrations() -> dict[str, set[str]]:
    """Codenames by group: of GROUPS of the first, and of GRANTED of later ones."""
    granted: dict[str, set[str]] = {}
    for file in sorted(Path(settings.BASE_DIR / "analysis" / "migrations").glob("0*.py")):
        module = import_module(f"analysis.migrations.{file.stem}")
        for attribute in ("GROUPS", "GRANTED"):
            for group, codenames in getattr(module, attribute, {}).items():
                granted.setdefault(group, set()).update(codenames)
    return granted


def test_groups_have_the_permissions_of_their_role():
    assert granted_by_migrations() == {role.value: set(codenames) for role, codenames in PERMISSIONS.items()}


def test_each_role_has_one_line():
    assert set(LINES) == set(Role)
    assert [role for role, line in LINES.items() if not 20 < len(str(line)) <= 100] == []
    assert set(INVITED) == set(Role) - {Role.ADMINISTRATOR}
