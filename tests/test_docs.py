"""The documentation: commands, settings and links are true, the site builds."""

from __future__ import annotations

import argparse
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand

from analysis.exports.formats import FORMATS
from analysis.models import BucketObject, Image
from tests import pictures
from tests.factories import create_bucket, create_labeled_image, create_user

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
RECORDS = sorted((DOCS / "decisions").glob("*.md"))
SHELL_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`((?:[^`\s]*/)?manage\.py [^`]+)`")
COMMAND = re.compile(r"manage\.py +([a-z_]+)([^\n]*)")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
# Read by other programs, or named as what is not read.
OTHERS_VARIABLES = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_S3_ACCESS_KEY_ID", "AWS_ENDPOINT_URL_REKOGNITION"),
    *("AWS_QUERYSTRING_AUTH", "AWS_DEFAULT_ACL", "POSTGRES_PASSWORD", "SECRET_KEY_FALLBACKS", "PYTHON"),
}


def command_lines(text: str) -> Iterator[tuple[str, str]]:
    """Name and arguments of each call of manage.py, in blocks and in sentences."""
    blocks = [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    for line in [*blocks, *(" ".join(code.split()) for code in INLINE.findall(text))]:
        for name, arguments in COMMAND.findall(line):
            yield name, re.split(r"\s#\s|\s*(?:>|;|\||&&)", arguments)[0].strip()


def parser_of(name: str) -> argparse.ArgumentParser:
    application = get_commands()[name]
    command = application if isinstance(application, BaseCommand) else load_command_class(application, name)
    return command.create_parser("manage.py", name)


ALL_COMMANDS = sorted({(page.name, *line) for page in PAGES for line in command_lines(page.read_text("utf-8"))})


def test_the_pages_name_commands():
    assert len(ALL_COMMANDS) > 60


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_exists(page):
    known = {*get_commands(), "help"}
    for name, arguments in command_lines(page.read_text("utf-8")):
        assert name in known, f"{page.name}: manage.py {name}"
        if name == "help":
            continue
        options = {option for action in parser_of(name)._actions for option in action.option_strings}
        used = {word.split("=")[0] for word in shlex.split(arguments.replace("'", "")) if word.startswith("--")}
        assert used - {"--"} <= options, f"{page.name}: manage.py {name} {arguments}"


def shell_commands() -> list[tuple[str, str]]:
    """Those in blocks marked `sh`, which are complete: without placeholders."""
    texts = [block for page in PAGES for block in SHELL_BLOCK.findall(page.read_text("utf-8"))]
    return sorted({line for text in texts for line in command_lines(f"```\n{text}```")})


def test_complete_commands_can_be_copied():
    blocks = [block for page in PAGES for block in SHELL_BLOCK.findall(page.read_text("utf-8"))]
    lines = [line.strip() for block in blocks for line in block.splitlines() if "manage.py" in line]
    assert [line for line in lines if not line.startswith(".venv/bin/python manage.py ")] == []


@pytest.mark.parametrize(("name", "arguments"), shell_commands())
def test_complete_commands_are_parsed(name, arguments):
    parser_of(name).parse_args(shlex.split(arguments))


def test_every_setting_that_is_named_exists():
    example = set(re.findall(r"^#([A-Z0-9_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    known = example | OTHERS_VARIABLES | {name for name in dir(settings) if name.isupper()}
    for page in PAGES:
        assigned = set(
            re.findall(r"(?:^|[`\s])(?!BENCH_)([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)=", page.read_text("utf-8"), re.MULTILINE)
        )
        assert assigned <= known, page.name


def anchors(text: str) -> set[str]:
    """As code hosts and the site make them of headings."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md", *RECORDS], ids=lambda page: page.name)
def test_every_link_within_the_tree_leads_somewhere(page):
    for address, anchor in LINK.findall(page.read_text("utf-8")):
        if ":" in address:
            continue
        target = (page.parent / address) if address else page
        assert target.exists(), f"{address} in {page.name}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target.read_text("utf-8")), f"{address}#{anchor} in {page.name}"


def test_the_site_builds_with_every_page_and_loads_nothing_from_elsewhere(tmp_path):
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = {path.relative_to(tmp_path / "site") for path in (tmp_path / "site").rglob("*.html")}
    assert {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")} <= pages
    index = (tmp_path / "site/index.html").read_text("utf-8")
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(?:https?:)?//[^>]+", index) == []
    decisions = (tmp_path / "site/decisions/index.html").read_text("utf-8")
    assert [path.name for path in RECORDS if path.stem != "index" and f"{path.stem}.html" not in decisions] == []


@pytest.mark.django_db
def test_the_commands_of_the_guides_run(tmp_path, monkeypatch, s3):
    """Those of a library in use, as in the pages; others run those of an installation."""
    monkeypatch.chdir(tmp_path)
    owner = create_user("admin")
    create_labeled_image(owner, {"Cat": 98.0, "Coffee": 90.0}, filename="cat.jpg")
    create_bucket(owner, name="my-archive")
    s3.bucket = "my-archive"
    s3.put("own.jpg", pictures.jpeg())
    (tmp_path / "Pictures").mkdir()
    (tmp_path / "Pictures/own.jpg").write_bytes(pictures.encoded(pictures.photo(), "jpeg"))
    ran = []
    for name, arguments in shell_commands():
        if name in {"analyze_images", "import_images", "export_images", "sync_bucket"} and "--sample" not in arguments:
            output = io.StringIO()
            call_command(name, *shlex.split(arguments.replace("~/", f"{tmp_path}/")), stdout=output, stderr=output)
            ran.append(name)
    assert ran == ["analyze_images"] * 2 + ["export_images"] * 3 + ["import_images"] + ["sync_bucket"] * 2
    assert "Coffee" in (tmp_path / "cats.csv").read_text("utf-8-sig")
    assert (tmp_path / "sidecars.zip").stat().st_size > 0
    assert Image.objects.filter(owner=owner).count() == 2
    assert BucketObject.objects.filter(bucket__name="my-archive").count() == 1


def test_every_export_format_has_a_line():
    documented = re.findall(
        r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", (DOCS / "export.md").read_text(), re.MULTILINE))
    )
    assert sorted(documented) == sorted(FORMATS)
