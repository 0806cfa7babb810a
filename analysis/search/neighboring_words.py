"""Neighboring words of a search, which together may be the name of a label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.search.terms import And, CountTerm, LabelTerm, Node, Not, Or

MAX_JOINED = 4
"""Rekognition's labels have up to four words."""


def is_plain_word(node: Node) -> bool:
    """True for a word that may stand for a label of another name."""
    if isinstance(node, LabelTerm):
        return not (node.is_exact or node.is_prefix)
    return isinstance(node, CountTerm) and not node.is_exact


def neighbors(parts: Sequence[Node], position: int) -> Iterator[tuple[LabelTerm, ...]]:
    """Groups of words from a position on that may be one label, the longest first.

    The last word may have a confidence.
    """
    words: list[LabelTerm] = []
    for node in parts[position : position + MAX_JOINED]:
        if not isinstance(node, LabelTerm) or node.kind or not is_plain_word(node):
            break
        words.append(node)
        if node.minimum:
            break
    for length in range(len(words), 1, -1):
        yield tuple(words[:length])


def all_neighbors(parts: Sequence[Node]) -> Iterator[tuple[LabelTerm, ...]]:
    for position, node in enumerate(parts):
        yield from neighbors(parts, position)
        for group in _groups(node):
            yield from all_neighbors(group.parts)


def _groups(node: Node) -> Iterator[And]:
    match node:
        case And():
            yield node
        case Not(part):
            yield from _groups(part)
        case Or(parts):
            for part in parts:
                yield from _groups(part)


def joined_name(words: Sequence[LabelTerm]) -> str:
    return " ".join(word.name for word in words)
