"""The servers on the pages: database, units of systemd, nginx; by these programs."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.db import connection

from analysis.storage.signed_folder import SignedFolder
from bench.load.servers import PROGRAMS
from bench.sandbox import free_port
from imagelib.embedded.binaries import wheel_folder
from tests.docs.blocks import ROOT, blocks, calls

NGINX = shutil.which("nginx") or shutil.which("nginx", path=":".join(PROGRAMS))
SYSTEMD = shutil.which("systemd-analyze")
NAME = f"docs_{os.getpid()}"
PYTHON = "/srv/imagelib/app/.venv/bin/python"
WEB, WORK, TIMER = (block.text for block in blocks("ini") if block.text.startswith("["))


def process_unit(process: str) -> str:
    """The unit of the web server with the command that the sentence after it names."""
    page = (ROOT / "docs/install.md").read_text()
    (options,) = re.findall(rf"`ExecStart=…( -m celery -A imagelib {process})`", page)
    return re.sub(r"(ExecStart=\S+).*", rf"\1{options}", WEB)


@pytest.mark.django_db
def test_database_is_made_as_on_a_server(tmp_path):
    """Under other names: `imagelib` is the role and database of the tests."""
    (block,) = [block for block in blocks("sh") if "createdb" in block.text]
    server = connection.settings_dict
    environment = {"PGHOST": server["HOST"], "PGUSER": server["USER"], "PGDATABASE": server["NAME"]}

    def run(*command: str) -> str:
        """In its own session, so that no password is asked for in a terminal."""
        program, *arguments = command
        return subprocess.run(
            [str(wheel_folder() / program), *arguments],
            env=environment,
            input="secret\nsecret\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            start_new_session=True,
        ).stdout

    commands = [words[4:] for words in calls(block.text.replace("imagelib", NAME), tmp_path)]
    assert [words[0] for words in commands] == ["createuser", "createdb", "psql"]
    try:
        for words in commands:
            run(*words)
        query = f"SELECT datdba::regrole, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = '{NAME}'"
        assert run("psql", "--tuples-only", "--csv", "--command", query) == f"{NAME},UTF8\n"
    finally:
        run("dropdb", "--if-exists", NAME)
        run("dropuser", "--if-exists", NAME)


@pytest.mark.skipif(not SYSTEMD, reason="needs systemd-analyze")
def test_systemd_accepts_the_units(tmp_path):
    units = {f"imagelib-{process}.service": process_unit(process) for process in ("worker", "beat")}
    units |= {"imagelib-web.service": WEB, "imagelib-work.service": WORK, "imagelib-work.timer": TIMER}
    for name, content in units.items():
        assert content is TIMER or (PYTHON in content and "\nUser=imagelib\n" in content)
        (tmp_path / name).write_text(content.replace(PYTHON, "/bin/true"))  # which has to be a program
    command = [SYSTEMD, "verify", "--man=no", *(str(tmp_path / name) for name in units)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    complaints = [line for line in result.stderr.splitlines() if "imagelib-" in line]
    assert (result.returncode, complaints) == (0, [])


def configuration(folder: Path, port: int) -> str:
    server, *locations = (block.text for block in blocks("nginx"))
    openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl += ["-subj", "/CN=pictures", "-addext", "subjectAltName=IP:127.0.0.1"]
    openssl += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(openssl, capture_output=True, timeout=60, check=True)
    text = f"{server.rstrip().removesuffix('}')}{''.join(locations)}}}"
    for page, test in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/certs/pictures.example.org.pem", f"{folder}/certificate.pem"),
        ("/etc/ssl/private/pictures.example.org.key", f"{folder}/key.pem"),
        ("/srv/imagelib/app/var/pictures/", f"{folder}/pictures/"),
        ("$uri KEY", "$uri a-key"),
    ):
        assert page in text
        text = text.replace(page, test)
    paths = "".join(f"{name}_temp_path {folder}/{name};" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
    # As the page says, nginx's workers run as the user whose files they read; only root may choose it.
    user = "" if os.geteuid() else "user root;"
    return f"""{user} pid {folder}/pid; error_log {folder}/log warn; events {{}}
        http {{ access_log off; client_body_temp_path {folder}/body; {paths} {text} }}"""


@pytest.mark.skipif(not NGINX, reason="needs nginx")
def test_nginx_serves_signed_files_alone(tmp_path):
    folder = SignedFolder(signing_key="a-key", signed_seconds=60, location=tmp_path / "pictures")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/thumb.webp").write_bytes(b"thumbnail")
    port = free_port()
    (tmp_path / "nginx.conf").write_text(configuration(tmp_path, port))
    command = [NGINX, "-p", str(tmp_path), "-e", str(tmp_path / "log"), "-c", str(tmp_path / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=60, check=False)
    assert (checked.returncode, re.findall(r"\[(?:warn|emerg)\].*", checked.stderr)) == (0, [])
    trusted = ssl.create_default_context(cafile=tmp_path / "certificate.pem")

    def status(path: str) -> int:
        try:
            with urllib.request.urlopen(f"https://127.0.0.1:{port}{path}", context=trusted, timeout=10) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code

    signed = folder.signed_url("thumb.webp")
    subprocess.run(command, timeout=60, check=True)  # it returns once the server listens
    try:
        assert [status(path) for path in (signed, f"{signed}0", "/stored-files/thumb.webp")] == [200, 403, 404]
    finally:
        subprocess.run([*command, "-s", "stop"], timeout=60, check=True)
