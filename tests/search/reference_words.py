"""The reading of words in plain Python, by comparing each word with every label."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import date

from analysis.search import terms
from analysis.search.query import Query

FORMS = {
    "dogs": "dog",
    "cats": "cat",
    "cars": "car",
    "holidays": "holiday",
    "grasses": "grass",
    "cat grasses": "cat grass",
}
SYNONYMS = {"kitty": ["cat", "kitten"], "automobiles": ["car"], "people": ["person"], "puppy": ["dog"]}
LEFT_OUT = {"on", "the"}
YEAR = "2026"


def read(query: Query, library) -> Query:
    """The query with the labels that its words stand for."""
    return replace(query, parts=_read_group(query.parts, library))


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).replace("-", " ")


def _visible_names(library, kind: str) -> list[tuple[str, str]]:
    """Each name or alias of labels that the viewer sees, and the label's name."""
    keys = {
        key
        for picture in library.pictures
        for key in picture.labels
        if picture.row.owner_id == library.viewer.user_id or picture.row.visibility >= library.viewer.min_visibility
    }
    names = []
    for key, label in library.labels.items():
        standing = label.merged_into or label
        aliases = [alias for alias, targets in library.aliases.items() if key in targets]
        is_visible = (standing.kind, standing.name.lower()) in keys and not standing.is_hidden
        if is_visible and kind in {"", standing.kind}:
            names += [(text, standing.name) for text in (label.name, *aliases)]
    return names


def _labels_for(name: str, kind: str, library) -> list[str]:
    folded = _fold(name)
    names = _visible_names(library, kind)
    bare = folded.strip(",!")
    for form in (folded, FORMS.get(folded), bare, FORMS.get(bare), *SYNONYMS.get(bare, ())):
        if labels := {label.lower(): label for text, label in names if form and _fold(text) == form}:
            return sorted(labels.values())
    return []


def _is_name(term, kind: str, library) -> bool:
    """The word is the name of a label; of a tag, only if the viewer sees it."""
    name = term.name.lower()
    named = {key for key in library.labels if key[1] == name} | library.aliases.get(name, set())
    standing = [library.labels[key].merged_into or library.labels[key] for key in named]
    standing = [label for label in standing if (label.kind == kind if kind else not label.is_hidden)]
    if any(label.kind not in {"tag", "celebrity"} for label in standing):
        return True
    return bool(standing) and any(text.lower() == name for text, _ in _visible_names(library, kind))


def _is_plain_word(node) -> bool:
    if isinstance(node, terms.LabelTerm):
        return not (node.is_exact or node.is_prefix)
    return isinstance(node, terms.CountTerm) and not node.is_exact


def _read_group(parts, library):
    result, left_out, position = [], 0, 0
    while position < len(parts):
        node, used = _joined(parts, position, library)
        if node is None:
            node, used = parts[position], 1
            if _is_left_out(node, library):
                position, left_out = position + 1, left_out + 1
                continue
            node = _read_node(node, library)
        result.append(node)
        position += used
    return tuple(result) if result else tuple(parts)


def _is_left_out(node, library) -> bool:
    is_word = isinstance(node, terms.LabelTerm) and _is_plain_word(node) and not (node.kind or node.minimum)
    return is_word and node.name.lower() in LEFT_OUT and not _is_name(node, "", library)


def _joined(parts, position, library):
    for length in (4, 3, 2):
        words = parts[position : position + length]
        is_run = len(words) == length and all(
            isinstance(word, terms.LabelTerm) and _is_plain_word(word) and not word.kind for word in words
        )
        if is_run and not any(word.minimum for word in words[:-1]):
            labels = _labels_for(" ".join(word.name for word in words), "", library)
            if labels:
                return _any_label(words[-1], labels), length
    return None, 0


def _any_label(term, labels):
    choices = [replace(term, name=label, is_exact=True) for label in labels]
    return choices[0] if len(choices) == 1 else terms.Or(tuple(choices))


def _read_node(node, library):
    match node:
        case terms.Not(part):
            return terms.Not(_read_node(part, library))
        case terms.Or(parts):
            return terms.Or(tuple(_read_node(part, library) for part in parts))
        case terms.And(parts):
            return terms.And(_read_group(parts, library))
    return _read_word(node, library) if _is_plain_word(node) else node


def _read_word(node, library):
    kind = node.kind if isinstance(node, terms.LabelTerm) else "label"
    if _is_name(node, kind, library):
        return node
    if labels := _labels_for(node.name, kind, library):
        return replace(node, name=labels[0], is_exact=True) if kind == "label" else _any_label(node, labels)
    if isinstance(node, terms.LabelTerm) and node.name == YEAR and not (kind or node.minimum):
        return terms.DateTerm("taken", date(2026, 1, 1), date(2026, 12, 31))
    return node
