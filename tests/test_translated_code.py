"""Sentences in Python code pass through gettext, those of commands included."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# The simulator and the conversion of models speak to developers, and the simulator in AWS's words.
FOR_DEVELOPERS = ("imagelib/simulator/", "analysis/recognition/local/conversion/", "analysis/migrations/")
FILES = sorted(
    path
    for folder in ("analysis", "imagelib")
    for path in (ROOT / folder).rglob("*.py")
    if not str(path.relative_to(ROOT)).startswith(FOR_DEVELOPERS)
)
SHOWN = re.compile(r"(CommandError|ValidationError|ArgumentTypeError|PermissionDenied|Http404|BadRequest)$")
"""Errors of Django and argparse whose text a person reads; those of our own are found by their base class.

Without ImproperlyConfigured: Django cannot translate before the settings are loaded.
"""
OWN_BASES = {"MessageError", "ActionRefused", "UploadRefused", "TimeoutError"}
OUTPUT = {"write", "success", "warning", "error", "info", "message_user", "add_argument", "Error", "Warning", "Info"}
OUTPUT_OWNERS = {"stdout", "stderr", "messages", "parser", "checks", "self", ""}
TRANSLATORS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "N_"}
SENTENCE = re.compile(r"([A-Za-z]+[^A-Za-z\n]* ){2}[A-Za-z]+")
"""Three words in a row: names of checks, commands and formats have fewer."""


def calls(tree: ast.AST) -> Iterator[tuple[str, str, ast.Call]]:
    """Owner and name of each function called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute):
                owner = function.value
                yield getattr(owner, "attr", getattr(owner, "id", "…")), function.attr, node
            else:
                yield "", getattr(function, "id", ""), node


def own_errors() -> set[str]:
    """Classes of errors whose text reaches a person."""
    bases = {
        node.name: {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    names = set(OWN_BASES)
    while more := {name for name, parents in bases.items() if parents & names} - names:
        names |= more
    return names


def untranslated(node: ast.AST) -> Iterator[str]:
    """Sentences below a node that no function translates."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in TRANSLATORS:
            return
    if isinstance(node, ast.JoinedStr):
        text = "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
        if SENTENCE.search(text):
            yield text
        children: list[ast.AST] = [part for part in node.values if not isinstance(part, ast.Constant)]
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str) and SENTENCE.search(node.value):
            yield node.value
        return
    else:
        children = list(ast.iter_child_nodes(node))
    for child in children:
        yield from untranslated(child)


def findings(source: str, errors: set[str]) -> list[str]:
    tree = ast.parse(source)
    return [
        text
        for owner, name, call in calls(tree)
        if name in errors or SHOWN.search(name) or (name in OUTPUT and owner in OUTPUT_OWNERS)
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]
        for text in untranslated(argument)
    ]


def test_sentences_pass_through_gettext() -> None:
    errors = own_errors()
    assert {"ServerStartError", "InvalidParameter", "InvalidImage"} <= errors
    missed = {
        str(path.relative_to(ROOT)): texts
        for path in FILES
        if (texts := findings(path.read_text(encoding="utf-8"), errors))
    }
    assert missed == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise CommandError('Nothing to do.')", ["Nothing to do."]),
        ("raise CommandError(f'{name} is missing here')", ["… is missing here"]),
        ("raise CommandError(_('Nothing to do.'))", []),
        ("raise CommandError(_('%(name)s is missing.') % {'name': name})", []),
        ("self.stdout.write('That is all.')", ["That is all."]),
        ("checks.Warning('Set this value', hint=_('Set it'), id='imagelib.W001')", ["Set this value"]),
        ("log.warning('Not for people: %s', error)", []),
    ],
)
def test_the_check_finds_untranslated_sentences(source: str, expected: list[str]) -> None:
    assert findings(source, set()) == expected
