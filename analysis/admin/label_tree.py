"""The ancestors and children of a label as nested lists."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analysis.admin import display
from analysis.models import Label

MAX_DEPTH = 8
MAX_CHILDREN = 50


def label_tree(label: Label) -> SafeString | str:
    """A label below each path of its ancestors, root first, with its children."""
    children = list(label.children.order_by("-image_count", "name")[:MAX_CHILDREN])
    own = _branch(format_html("<strong>{}</strong>", label), (_branch(display.link(child), ()) for child in children))
    paths = _ancestor_paths(label)
    if not paths and not children:
        return display.EMPTY
    trees = []
    for path in paths or [()]:
        tree = own
        for ancestor in path:
            tree = _branch(display.link(ancestor), (tree,))
        trees.append(tree)
    return format_html('<ul class="value-list">{}</ul>', format_html_join("", "{}", ((tree,) for tree in trees)))


def _ancestor_paths(label: Label) -> list[tuple[Label, ...]]:
    """Every path to a root, nearest ancestor first; one query per level.

    Parents come from responses, so they can form a cycle; a path ends before it repeats a label.
    """
    paths: list[tuple[Label, ...]] = [(parent,) for parent in label.parents.order_by("name")]
    complete: list[tuple[Label, ...]] = []
    for _level in range(MAX_DEPTH):
        tops = {path[-1].pk for path in paths}
        parents = Label.objects.filter(children__in=tops).prefetch_related("children").distinct().order_by("name")
        above: dict[int, list[Label]] = {}
        for parent in parents:
            for child in parent.children.all():
                above.setdefault(child.pk, []).append(parent)
        longer: list[tuple[Label, ...]] = []
        for path in paths:
            parents_above = [parent for parent in above.get(path[-1].pk, []) if parent not in (*path, label)]
            longer += [(*path, parent) for parent in parents_above]
            complete += [] if parents_above else [path]
        if not longer:
            return complete
        paths = longer
    return complete + paths


def _branch(title: SafeString | str, branches: Iterable[SafeString]) -> SafeString:
    inner = format_html_join("", "{}", ((branch,) for branch in branches))
    return format_html("<li>{}{}</li>", title, format_html('<ul class="label-tree">{}</ul>', inner) if inner else "")
