"""Pages of the documentation site that are made from files outside of docs/."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent
FROM_ROOT = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]*)?\)")
DECISIONS = "decisions/index.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for source, page in FROM_ROOT.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, **_context: object) -> str:
    source = page.file.src_uri
    folder = PurePosixPath("." if source in FROM_ROOT.values() else "docs", source).parent
    markdown = LINK.sub(lambda match: site_link(match, folder=folder, page=source), markdown)
    return f"{markdown}\n{list_of_decisions()}" if source == DECISIONS else markdown


def site_link(match: re.Match[str], *, folder: PurePosixPath, page: str) -> str:
    """The same link on the site; the text alone where the file is not on it."""
    text, address, anchor = match[1], match[2], match[3] or ""
    if not address or ":" in address:
        return match[0]
    target = normal(folder / address)
    if target in FROM_ROOT:
        return f"[{text}]({'../' * page.count('/')}{FROM_ROOT[target]}{anchor})"
    if target.startswith("docs/"):
        inside = target.removeprefix("docs/")
        return f"[{text}]({'../' * page.count('/')}{inside}{anchor})"
    return text if (ROOT / target).exists() else match[0]


def normal(path: PurePosixPath) -> str:
    """The path without `..`, which pathlib keeps."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def list_of_decisions() -> str:
    """A line for each record, by its heading "# 1. Title"."""
    paths = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    titles = [(path.name, path.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")) for path in paths]
    return "\n".join(f"- [{title.replace('. ', ' · ', 1)}]({name})" for name, title in titles)
