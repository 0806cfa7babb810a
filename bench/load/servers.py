"""Four web processes behind nginx, as docs/operations.md describes them."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import sandbox
from bench.dataset import LoadedLibrary, environment
from bench.load import previews
from bench.search.pages import WEB, wait_for_response

WORKERS = 4
KEY = "0123456789abcdef0123456789abcdef"
NGINX = """
daemon off;
{user}
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    include {types};
    default_type application/octet-stream;
    access_log off;
    sendfile on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 110m;
        large_client_header_buffers 4 64k;
        location / {{
            proxy_pass http://127.0.0.1:{web};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Request-ID $request_id;
        }}
        location /stored-files/ {{
            internal;
            alias {pictures}/;
            add_header X-Content-Type-Options nosniff always;
            add_header Content-Security-Policy "default-src 'none'" always;
            add_header X-Request-ID $request_id always;
        }}
        location /signed-files/ {{
            secure_link $arg_signature,$arg_until;
            secure_link_md5 "$secure_link_expires$uri {key}";
            if ($secure_link != 1) {{ return 403; }}
            alias {pictures}/;
            add_header Cache-Control "private, max-age=31536000, immutable";
            add_header X-Content-Type-Options nosniff always;
            add_header Content-Security-Policy "default-src 'none'" always;
        }}
    }}
}}
"""
PROGRAMS = ("/usr/sbin", "/usr/local/sbin")  # often missing from a user's PATH
TYPES = Path("/etc/nginx/mime.types")


class NginxMissing(RuntimeError):
    """Debian's package nginx-light is not installed."""


@dataclass(frozen=True)
class Servers:
    """The proxy's address, and the main process of each server."""

    port: int
    web: int
    proxy: int
    signs: bool  # the proxy sends thumbnails without asking a web process


def nginx_program() -> str:
    """Path of nginx. Raises NginxMissing."""
    program = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), *PROGRAMS]))
    if program is None or not TYPES.exists():
        raise NginxMissing("The bench `load` needs nginx: apt-get install --no-install-recommends nginx-light")
    return program


@contextmanager
def serving(library: LoadedLibrary, *, signs: bool = True, **settings: str) -> Iterator[Servers]:
    """Run the web processes and the proxy in front of them.

    With `signs`, the proxy sends thumbnails by signed URLs; otherwise it asks a web process about each.
    """
    program = nginx_program()
    previews.write(library.library.var / "pictures")
    library.library.manage("collectstatic", "--noinput", "--verbosity", "0")
    web, port = sandbox.free_port(), sandbox.free_port()
    command = [sys.executable, "-m", "gunicorn", *WEB, "--bind", f"127.0.0.1:{web}", "--workers", str(WORKERS)]
    env = {**environment(library), "SENDFILE": "x-accel", "TRUSTED_PROXIES": "127.0.0.1", **settings}
    env |= {"SENDFILE_KEY": KEY} if signs else {}
    with sandbox.temporary_folder() as folder, sandbox.running_program(command, env=env) as gunicorn:
        for _ in range(WORKERS):
            gunicorn.wait_for("Booting worker", seconds=60)
        gunicorn.discard_output()
        wait_for_response(web)
        config = _configuration(folder, web=web, port=port, pictures=library.library.var / "pictures")
        nginx = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
        with sandbox.running_program(nginx, env=sandbox.environment()) as proxy:
            proxy.discard_output()
            wait_for_response(port)
            yield Servers(port, gunicorn.process.pid, proxy.process.pid, signs)


def _configuration(folder: Path, *, web: int, port: int, pictures: Path) -> Path:
    # Only root can choose nginx's account, which must own the pictures that it reads.
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    file = folder / "nginx.conf"
    text = NGINX.format(folder=folder, user=user, types=TYPES, port=port, web=web, pictures=pictures.resolve(), key=KEY)
    file.write_text(text)
    return file
