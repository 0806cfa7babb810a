"""Every command in a block of README and docs runs here, or says why it cannot.

The table names each kind of command once. One that it does not name fails the test.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from analysis.models import Analysis, BucketObject, Export, Image
from imagelib.accounts.models import User
from tests.backup import library as backup_library
from tests.docs import elsewhere
from tests.docs.blocks import Block, blocks, calls, inline_commands, is_request


@dataclass(frozen=True)
class Here:
    """The surroundings of a command, its arguments and what it wrote."""

    pictures: Path
    monkeypatch: pytest.MonkeyPatch
    settings: Any
    arguments: Sequence[str]
    output: str = ""


def lose_library(here: Here) -> None:
    """A backup is restored on a new machine, which has no pictures and no tables."""
    backup_library.empty_database()
    shutil.rmtree(here.pictures)


def hide_npm(here: Here) -> None:
    """It would fetch a model."""
    here.monkeypatch.setenv("PATH", "/nowhere")


def leave_queue(here: Here) -> None:
    """Each run would ask it twice, for a second; tests/work reads events."""
    here.settings.EVENTS_QUEUE_URL = ""


def answer_yes(here: Here) -> None:
    here.monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))


def has_written(here: Here) -> None:
    if "--output" not in here.arguments:
        assert Export.objects.get().name == "Dogs"
        return
    path = Path(here.arguments[here.arguments.index("--output") + 1])
    assert path.stat().st_size > 0
    is_table = path.suffix == ".csv"
    assert not is_table or "Coffee" in path.read_text("utf-8-sig"), "The search must find a picture of `library`."


def has_all_pictures(_here: Here) -> None:
    assert sorted(Image.objects.values_list("filename", flat=True)) == ["0.jpg", "1.jpg", "2.jpg"]


def has_imported(_here: Here) -> None:
    assert Image.objects.get(filename="new.jpg").owner.username == "admin"


def has_listed(here: Here) -> None:
    assert BucketObject.objects.count() == ("--dry-run" not in here.arguments)


def has_counted(here: Here) -> None:
    lines = here.output.splitlines()
    assert json.loads(lines[0])["total"]["pictures"] == 1 if "--json" in here.arguments else len(lines) > 1


def has_analyzed(_here: Here) -> None:
    assert set(Analysis.objects.values_list("state", flat=True)) == {"done"}


def has_account(_here: Here) -> None:
    assert User.objects.get(username="first").is_superuser


@dataclass(frozen=True)
class Runs:
    """A command of manage.py.

    `more`: options without which it would not end, or would ask in a terminal.
    """

    more: tuple[str, ...] = ()
    before: Callable[[Here], None] = lambda _here: None
    after: Callable[[Here], None] = lambda _here: None
    status: int = 0


@dataclass(frozen=True)
class CannotRun:
    """Why not, and the check of what follows the words of the table."""

    why: str
    check: Callable[[list[str]], None]


ADMIN = ("--no-input", "--username", "first", "--email", "first@example.org")
ROOT_ONLY = "needs root, and changes the machine"
TABLE: dict[str, Runs | CannotRun] = {
    "manage.py analyze_images": Runs(),
    "manage.py backup": Runs(),
    "manage.py census": Runs(after=has_counted),
    "manage.py check": Runs(),
    "manage.py check_aws": Runs(),
    "manage.py collectstatic": Runs(),
    "manage.py consume_events": Runs(more=("--until-empty",)),
    "manage.py createsuperuser": Runs(more=ADMIN, after=has_account),
    "manage.py doctor": Runs(status=1),  # it misses the worker
    "manage.py empty_trash": Runs(before=answer_yes),
    "manage.py export_images": Runs(after=has_written),
    "manage.py import_images": Runs(after=has_imported),
    "manage.py migrate": Runs(),
    "manage.py prepare_models": Runs(before=hide_npm),
    "manage.py restore": Runs(before=lose_library, after=has_all_pictures),
    "manage.py sync_bucket": Runs(after=has_listed),
    "manage.py verify_backup": Runs(),
    "manage.py work": Runs(more=("--until-idle",), before=leave_queue, after=has_analyzed),
    "apt-get install": CannotRun(ROOT_ONLY, elsewhere.spelled),
    "aws": CannotRun("needs an account; tests/test_infrastructure.py creates the stacks", elsewhere.aws),
    "docker build": CannotRun("needs Docker; tests/containers/test_image.py reads the steps", elsewhere.docker_build),
    "docker buildx": CannotRun("needs Docker and a registry", elsewhere.spelled),
    "docker compose": CannotRun("needs Docker; compose.yaml has its own tests", elsewhere.docker_compose),
    "docker push": CannotRun("needs Docker and a registry", elsewhere.spelled),
    "git clone": CannotRun("needs a network", elsewhere.spelled),
    "kubectl": CannotRun("needs a cluster; kubernetes/ has its own tests", elsewhere.kubectl),
    "make": CannotRun("takes minutes and a network; bench/run.py start does it in a clone", elsewhere.make),
    "python -m celery": CannotRun("runs until it is stopped, as in tests/test_run.py", elsewhere.celery),
    "python -m gunicorn": CannotRun("runs until it is stopped, as in tests/test_run.py", elsewhere.gunicorn),
    "python -m pytest": CannotRun("is this", elsewhere.pytest_files),
    "runuser": CannotRun("needs root; tests/docs/test_servers.py runs createdb and psql", elsewhere.runuser),
    "systemctl": CannotRun(ROOT_ONLY, elsewhere.systemctl),
    "useradd": CannotRun(ROOT_ONLY, elsewhere.spelled),
}
IN_SENTENCES = {
    "aws": elsewhere.aws,
    "bench/run.py": elsewhere.bench,
    "docker compose": elsewhere.docker_compose,
    "make": elsewhere.make,
    "python -m": elsewhere.module,
}
"""Checks of commands that sentences name; those of manage.py are in tests/test_docs.py."""
OTHER_CONNECTIONS = {"backup", "work"}
"""They see only rows that are committed."""
RAN: set[tuple[str, ...]] = set()
"""Calls of an earlier block, which need not be made again."""


def shell_blocks() -> list[Block]:
    """Those whose lines are not all in another one.

    Requests with curl are run by tests/api/test_docs.py, against a server.
    """
    lines = {block: set(block.text.splitlines()) for block in blocks("sh", "cron") if not is_request(block)}
    found = list(lines)
    return [
        block
        for place, block in enumerate(found)
        if not any(lines[block] < lines[other] for other in found)
        and not any(lines[block] == lines[other] for other in found[:place])
    ]


def param(block: Block) -> object:
    commits = bool(set(re.findall(r"manage\.py (\w+)", block.text)) & OTHER_CONNECTIONS)
    return pytest.param(block, id=str(block), marks=pytest.mark.django_db(transaction=commits))


def rule(words: list[str]) -> tuple[str, Runs | CannotRun, list[str]]:
    """The name and line of the table for a call, and the arguments after the name."""
    if words[:2] == ["python", "manage.py"]:
        words = words[1:]
    for length in (3, 2, 1):
        name = " ".join(words[:length])
        if name in TABLE:
            return name, TABLE[name], words[length:]
    return pytest.fail(f"{' '.join(words)}: no line of the table")


def run(name: str, arguments: list[str]) -> tuple[int, str]:
    output = io.StringIO()
    try:
        call_command(name, *arguments, stdout=output, stderr=output)
    except SystemExit as end:
        return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


@pytest.mark.parametrize("block", [param(block) for block in shell_blocks()])
def test_commands_of_a_block(block: Block, request, pictures_folder, monkeypatch, settings):
    text = block.text
    if block.language == "cron":
        assert re.match(r"(\S+ ){5}cd ", text)
        text = text.split(maxsplit=5)[5]
    for words in calls(text, request.getfixturevalue("tmp_path")):
        name, found, arguments = rule(words)
        if isinstance(found, CannotRun):
            found.check(arguments)
            continue
        if tuple(words) in RAN:
            continue
        RAN.add(tuple(words))
        request.getfixturevalue("library")
        found.before(here := Here(pictures_folder, monkeypatch, settings, arguments))
        more = [option for option in found.more if option not in arguments]
        status, output = run(name.split()[1], [*arguments, *more])
        assert status == found.status, output
        found.after(replace(here, output=output))


@pytest.mark.parametrize("program", IN_SENTENCES)
def test_commands_in_sentences(program):
    found = inline_commands(program)
    for _page, text in found:
        IN_SENTENCES[program](shlex.split(text.removeprefix(program)))
    assert found


def test_openssl_of_sentences_runs(tmp_path):
    found = [text for _page, text in inline_commands("openssl")]
    subprocess.run(["/bin/bash", "-euc", "\n".join(found)], cwd=tmp_path, capture_output=True, timeout=60, check=True)
    assert (tmp_path / "public.pem").read_text().startswith("-----BEGIN PUBLIC KEY-----")


def test_the_table_names_nothing_else():
    text = "".join(block.text for block in blocks("sh"))
    assert [name for name in TABLE if not re.search(rf"(^|[\s/]){re.escape(name)}\s", text)] == []
