"""Finds labels for typed words: plurals, synonyms, neighboring words.

A word that is a label is never changed, and neither is one in quotes. Only labels that the viewer may see are
considered, so that nobody learns the names of other people's tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from analysis.models import Viewer
from analysis.search.errors import InvalidValue
from analysis.search.folding import fold
from analysis.search.label_index import IndexedName, LabelIndex, known_labels
from analysis.search.neighboring_words import all_neighbors, is_plain_word, joined_name, neighbors
from analysis.search.query import Query, all_of
from analysis.search.synonyms import labels_of
from analysis.search.terms import And, CountTerm, DateTerm, LabelTerm, Node, Not, Or, any_of
from analysis.search.terms.base import LabelLookup, Value
from analysis.search.visible_labels import LabelVisibility, label_visibility

MAX_NAMES = 100
"""Words and neighbors of one query that are compared with all labels; further ones are searched as typed."""
MAX_CANDIDATES = 200
"""Labels whose visibility is looked up for one query; further words are searched as typed."""
STOP_WORDS: Final = frozenset(
    [
        *("a", "all", "an", "and", "&", "any", "are", "at", "by", "for", "from", "her", "his", "in", "is", "it", "its"),
        *("me", "my", "of", "on", "our", "some", "that", "the", "their", "these", "this", "those", "to", "was", "were"),
        *("with", "your", "image", "images", "photo", "photos", "picture", "pictures"),
    ]
)
"""Words left out next to other terms, unless they are labels."""
PUNCTUATION = ",.;!?\u2026\u3001\u3002"
"""Signs around a word that are ignored unless a label has them."""
DATE = re.compile(r"(?:19|20)\d\d(?:-\d\d(?:-\d\d)?)?")
"""A year, month or day, which without a field is the date taken."""


@dataclass(frozen=True)
class WordMeaning:
    """Words of a query and the part that replaces them; None if they are left out."""

    typed: tuple[LabelTerm | CountTerm, ...]
    part: Node | None

    @property
    def text(self) -> str:
        """The words as they were typed."""
        return " ".join(term.name for term in self.typed)

    @property
    def labels(self) -> list[str]:
        """The names of the labels that are searched."""
        return [leaf.name for leaf in self.part.leaves if isinstance(leaf, LabelTerm | CountTerm)] if self.part else []


@dataclass(frozen=True)
class InterpretedQuery:
    """A query with its words replaced, and the replacements."""

    query: Query
    meanings: tuple[WordMeaning, ...] = ()


@dataclass(frozen=True)
class KnownNames:
    """The labels named by each lookup; `private` if all are tags or celebrities."""

    ids: Mapping[LabelLookup, Sequence[int]]
    private: frozenset[LabelLookup] = frozenset()


def may_change(query: Query, known: KnownNames) -> bool:
    """True if a word is not a label that everyone may see, or is next to another word."""
    words = (leaf for part in query.parts for leaf in part.leaves if is_plain_word(leaf))
    return any(word.lookups[0] in known.private or not known.ids.get(word.lookups[0]) for word in words) or any(
        True for _words in all_neighbors(query.parts)
    )


def interpret_words(query: Query, *, known: KnownNames, index: LabelIndex, viewer: Viewer) -> InterpretedQuery:
    """Replace the words of a query by the labels they stand for."""
    interpreter = _Interpreter(known, index, viewer)
    interpreter.check_visibility(query)
    parts = interpreter.parts(query.parts)
    if not interpreter.meanings:
        return InterpretedQuery(query)
    root = all_of(parts)
    parts = root.parts if isinstance(root, And) else (root,)
    return InterpretedQuery(replace(query, parts=parts), tuple(interpreter.meanings))


def with_exact_words(query: Query) -> Query:
    """The query with all its words in quotes."""
    return replace(query, parts=tuple(dict.fromkeys(map(exact_part, query.parts))))


def with_separate_labels(query: Query, meaning: WordMeaning) -> Query:
    """The query with the words of one label as separate labels."""
    # All but the last one in quotes, so that they are not read as one label again. The last may be a plural,
    # which would not be found in quotes, and neither would words that are left out.
    words = {word for word in meaning.typed[:-1] if not _is_stop_word(word)}

    def separate(word: LabelTerm | CountTerm) -> Node:
        return replace(word, is_exact=True) if word in words else word

    return replace(query, parts=tuple(_with_words(part, separate) for part in query.parts))


def standalone_term(query: Query, term: LabelTerm) -> LabelTerm:
    """The term to add to a query, in quotes if it would join the words before it."""
    if not (query.parts and is_plain_word(query.parts[-1])):
        return term
    # The names read last, without a query, since links of a page are no reason to read them again.
    index, parts = known_labels(), (*query.parts, term)
    ends = (words for at in range(len(parts)) for words in neighbors(parts, at) if words[-1] is term)
    if any(index.named(fold(joined_name(words))) for words in ends):
        return replace(term, is_exact=True)
    return term


class _Interpreter:
    """Replaces the words of one query."""

    def __init__(self, known: KnownNames, index: LabelIndex, viewer: Viewer) -> None:
        self.known, self.index, self.viewer = known, index, viewer
        self.meanings: list[WordMeaning] = []
        self._visible: set[int] = set()
        self._candidates: dict[tuple[str, str], list[list[IndexedName]]] = {}

    def check_visibility(self, query: Query) -> None:
        """Look up all labels that words may stand for, in one statement."""
        ids: dict[int, None] = {}
        for part in query.parts:
            for leaf in filter(is_plain_word, part.leaves):
                ids |= dict.fromkeys(self._ids_of_word(leaf))
        for words in all_neighbors(query.parts):
            ids |= dict.fromkeys(form.label_id for forms in self._forms(joined_name(words), "") for form in forms)
        label_ids = list(ids)[:MAX_CANDIDATES]
        if label_ids:
            visibility = LabelVisibility(self.viewer, None, False) if self.viewer.sees_all else None
            visibility = visibility or label_visibility(self.viewer)
            self._visible = set(visibility.visible(label_ids, maximum=len(label_ids)))

    def parts(self, parts: Sequence[Node]) -> tuple[Node, ...]:
        """The parts of a group, all of which must match."""
        result, left_out, position = list[Node](), list[LabelTerm](), 0
        while position < len(parts):
            words, part = self._part_at(parts, position)
            position += max(len(words), 1)
            if words and part is None:
                left_out += words
            elif part is not None:
                result.append(part)
        if not result:
            return tuple(parts)
        self.meanings += [WordMeaning((word,), None) for word in left_out]
        return tuple(result)

    def _part_at(self, parts: Sequence[Node], position: int) -> tuple[Sequence[LabelTerm], Node | None]:
        """The words read from a position on, and the part they stand for."""
        for words in neighbors(parts, position):
            if forms := self._visible_forms(joined_name(words), ""):
                part = _label(words[-1], forms)
                self.meanings.append(WordMeaning(words, part))
                return words, part
        node = parts[position]
        if isinstance(node, LabelTerm) and is_plain_word(node) and self._is_stop_word(node):
            return (node,), None
        return (), self._read(node)

    def _read(self, node: Node) -> Node:
        match node:
            case Not(part):
                return Not(self._read(part))
            case Or(parts):
                return any_of(map(self._read, parts))
            case And(parts):
                return all_of(self.parts(parts))
            case LabelTerm() | CountTerm() if is_plain_word(node) and not self._is_name(node):
                part = self._meaning(node)
                if part != node:
                    self.meanings.append(WordMeaning((node,), part))
                return part
        return node

    def _meaning(self, term: LabelTerm | CountTerm) -> Node:
        """The part that a word which is not a label's name stands for."""
        if forms := self._visible_forms(term.name, term.lookups[0].kind):
            return _label(term, forms)
        return _date(term) or term

    def _is_name(self, term: LabelTerm | CountTerm) -> bool:
        """True if the word is the name of a label that the viewer may see."""
        lookup = term.lookups[0]
        ids = self.known.ids.get(lookup, ())
        return bool(ids) and (lookup not in self.known.private or not self._visible.isdisjoint(ids))

    def _is_stop_word(self, term: LabelTerm) -> bool:
        return _is_stop_word(term) and not self._is_name(term)

    def _ids_of_word(self, term: Node) -> Iterator[int]:
        """The labels to look up for a word."""
        if not isinstance(term, LabelTerm | CountTerm):
            return
        lookup = term.lookups[0]
        ids = self.known.ids.get(lookup, ())
        if ids and lookup not in self.known.private:
            return
        forms = [form.label_id for names in self._forms(term.name, lookup.kind) for form in names]
        if set(forms) - set(ids) or _is_stop_word(term) or _date(term):
            yield from (*ids, *forms)

    def _visible_forms(self, name: str, kind: str) -> list[IndexedName]:
        """The labels of the nearest form of a name that the viewer may see."""
        visible = ([form for form in forms if form.label_id in self._visible] for forms in self._forms(name, kind))
        return next(filter(None, visible), [])

    def _forms(self, name: str, kind: str) -> list[list[IndexedName]]:
        """The labels that a name may stand for, the nearest form first."""
        if (name, kind) not in self._candidates:
            if len(self._candidates) >= MAX_NAMES:
                return []
            folded = fold(name)
            # "dogs, beach" as typed, and without the comma.
            spellings = filter(None, dict.fromkeys([folded, folded.strip(PUNCTUATION)]))
            forms = [names for spelling in spellings for names in self._forms_of_spelling(spelling)]
            of_kind = ([form for form in names if kind in {"", form.kind}] for names in forms)
            self._candidates[name, kind] = [names for names in of_kind if names]
        return self._candidates[name, kind]

    def _forms_of_spelling(self, folded: str) -> list[list[IndexedName]]:
        related = (self.index.named(fold(label)) for label in labels_of(folded))
        return [self.index.named(folded), self.index.inflections(folded), *related]


def _is_stop_word(term: Node) -> bool:
    """True for a word to leave out, and for punctuation alone."""
    if not isinstance(term, LabelTerm) or term.kind or term.minimum:
        return False
    word = term.name.lower().strip(PUNCTUATION)
    return not word or word in STOP_WORDS


def _label(term: LabelTerm | CountTerm, forms: Sequence[IndexedName]) -> Node:
    """The term with the names of these labels; a count is of one label."""
    names = list({form.name.lower(): form.name for form in forms}.values())
    terms = [replace(term, name=name, is_exact=True) for name in names]
    return terms[0] if isinstance(term, CountTerm) else any_of(terms)


def _date(term: LabelTerm | CountTerm) -> Node | None:
    text = term.name.strip(PUNCTUATION)
    if not (isinstance(term, LabelTerm) and DATE.fullmatch(text)) or term.kind or term.minimum:
        return None
    try:
        return DateTerm.parse("taken", "", Value(text))
    except InvalidValue:
        return None  # 2023-02-30


def exact_part(node: Node) -> Node:
    """The part with all its words in quotes."""
    return _with_words(node, lambda word: replace(word, is_exact=True))


def _with_words(node: Node, change: Callable[[LabelTerm | CountTerm], Node]) -> Node:
    """The part with each of its words changed."""
    match node:
        case Not(part):
            return Not(_with_words(part, change))
        case And(parts) | Or(parts):
            return type(node)(tuple(_with_words(part, change) for part in parts))
        case LabelTerm() | CountTerm():
            return change(node)
    return node
