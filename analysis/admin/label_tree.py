"""Where a label stands among its ancestors and descendants."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analysis.admin import display
from analysis.models import Label

DEEPEST = 8
MOST_CHILDREN = 50


def label_tree(label: Label) -> SafeString | str:
    """The label under each line of its ancestors, from the root on; its children under it."""
    children = list(label.children.order_by("-image_count", "name")[:MOST_CHILDREN])
    own = _branch(format_html("<strong>{}</strong>", label), (_branch(display.link(child), ()) for child in children))
    lines = _lines(label)
    if not lines and not children:
        return display.EMPTY
    trees = []
    for line in lines or [()]:
        tree = own
        for ancestor in line:
            tree = _branch(display.link(ancestor), (tree,))
        trees.append(tree)
    return format_html('<ul class="value-list">{}</ul>', format_html_join("", "{}", ((tree,) for tree in trees)))


def _lines(label: Label) -> list[tuple[Label, ...]]:
    """Each way up to a root, nearest first; one query for each step up. A circle in what was answered ends it."""
    lines: list[tuple[Label, ...]] = [(parent,) for parent in label.parents.order_by("name")]
    ended: list[tuple[Label, ...]] = []
    for _ in range(DEEPEST):
        tops = {line[-1].pk for line in lines}
        parents = Label.objects.filter(children__in=tops).prefetch_related("children").distinct().order_by("name")
        above: dict[int, list[Label]] = {}
        for parent in parents:
            for child in parent.children.all():
                above.setdefault(child.pk, []).append(parent)
        longer: list[tuple[Label, ...]] = []
        for line in lines:
            further = [each for each in above.get(line[-1].pk, []) if each not in (*line, label)]
            longer += [(*line, each) for each in further]
            ended += [] if further else [line]
        if not longer:
            return ended
        lines = longer
    return ended + lines


def _branch(title: SafeString | str, below: Iterable[SafeString]) -> SafeString:
    inner = format_html_join("", "{}", ((each,) for each in below))
    return format_html("<li>{}{}</li>", title, format_html('<ul class="label-tree">{}</ul>', inner) if inner else "")
