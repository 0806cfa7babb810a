"""The documentation: options, settings and links are true, the site builds.

The commands of its blocks are run by tests/docs.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands

from analysis.exports.formats import FORMATS
from tests.docs.elsewhere import parser_of

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
RECORDS = sorted((DOCS / "decisions").glob("*.md"))
SHELL_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
OWN = {name for name, application in get_commands().items() if str(application).startswith(("analysis", "imagelib"))}
COMMAND = re.compile(r"manage\.py +([a-z_]+)([^\n]*)")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
# Read by other programs, or named as what is not read.
OTHERS_VARIABLES = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_S3_ACCESS_KEY_ID", "AWS_ENDPOINT_URL_REKOGNITION"),
    *("AWS_QUERYSTRING_AUTH", "AWS_DEFAULT_ACL", "POSTGRES_PASSWORD", "SECRET_KEY_FALLBACKS", "PYTHON"),
}


def test_architecture_names_every_package_and_table() -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    packages = {path.parent.name for root in ("analysis", "imagelib") for path in (ROOT / root).glob("*/__init__.py")}
    tables = {model.__name__ for app in ("analysis", "accounts") for model in apps.get_app_config(app).get_models()}
    assert sorted(packages - set(re.findall(r"\w+", text)) - {"migrations", "formats", "templatetags"}) == []
    assert sorted(tables - set(re.findall(r"\*\*(\w+)\*\*", text))) == []


def sentences(page: Path) -> list[str]:
    """Text that is marked as code, outside of blocks."""
    return [" ".join(code.split()) for code in INLINE.findall(BLOCK.sub("", page.read_text("utf-8")))]


def test_sentences_name_commands():
    assert len({call for page in PAGES for text in sentences(page) for call in COMMAND.findall(text)}) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_sentences_is_parsed(page):
    """A name alone may stand for a command with arguments."""
    for name, arguments in [call for text in sentences(page) for call in COMMAND.findall(text)]:
        words = shlex.split(arguments.replace("[", "").replace("]", ""))
        if name != "help" and (parser := parser_of(name)) and words:
            parser.parse_args(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_after_a_name_alone_exists(page):
    """As in `backup --keep 7`, which leaves out manage.py and what is clear."""
    for name, *words in [text.split() for text in sentences(page) if text.split()[0] in OWN]:
        options = {option for action in parser_of(name)._actions for option in action.option_strings}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= options, f"{name} {words}"


def test_complete_commands_can_be_copied():
    blocks = [block for page in PAGES for block in SHELL_BLOCK.findall(page.read_text("utf-8"))]
    lines = [line.strip() for block in blocks for line in block.splitlines() if "manage.py" in line]
    assert [line for line in lines if not line.startswith(".venv/bin/python manage.py ")] == []


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


def test_every_export_format_has_a_line():
    documented = re.findall(
        r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", (DOCS / "export.md").read_text(), re.MULTILINE))
    )
    assert sorted(documented) == sorted(FORMATS)
