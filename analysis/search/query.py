"""The query language: text to tree and back. Documented in docs/search.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken, VisitError

LONGEST = 4_000
MOST_TERMS = 200

GRAMMAR = r"""
    query: term*
    term: "-" match -> excluded
        | match
    match: name (AT_LEAST PERCENT)?
    name: WORD | QUOTED

    AT_LEAST: ">="
    PERCENT: /\d+(\.\d+)?/
    QUOTED: /"[^"]*"/
    WORD: /[^\s"()<>=-][^\s"()<>=]*/
    %ignore /\s+/
"""


class BadQuery(ValueError):
    """A text that is no query: what is wrong and at which column, counted from one."""

    def __init__(self, message: str, *, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class HasLabel:
    """The picture carries a label of this name or alias, with at least this confidence in percent."""

    name: str
    least: float = 0.0
    is_excluded: bool = False

    @property
    def text(self) -> str:
        name = self.name if _is_plain(self.name) else f'"{self.name}"'
        return f"{'-' if self.is_excluded else ''}{name}{f'>={self.least:g}' if self.least else ''}"


@dataclass(frozen=True)
class Query:
    """A search as one value; every term must hold. `text` is its one written form."""

    terms: tuple[HasLabel, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(term.text for term in self.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def with_term(self, term: HasLabel) -> Query:
        """This search narrowed by a term; the same name asked before gives way to it."""
        return Query((*(each for each in self.terms if each.name.lower() != term.name.lower()), term))

    def without(self, term: HasLabel) -> Query:
        return Query(tuple(each for each in self.terms if each != term))


def parse(text: str) -> Query:
    """Read a query. Raises BadQuery with the place of the first thing that is wrong."""
    if len(text) > LONGEST:
        raise BadQuery(f"A search can be {LONGEST:,} characters long; this one has {len(text):,}.", column=LONGEST + 1)
    try:
        query: Query = _Tree().transform(_parser().parse(text.replace("\x00", " ")))
    except UnexpectedCharacters as error:
        place = error.pos_in_stream or 0
        raise BadQuery(_complaint(text, place), column=place + 1) from error
    except UnexpectedToken as error:
        place = len(text) if error.token.type == "$END" else error.token.start_pos or 0
        raise BadQuery(_complaint(text, place), column=place + 1) from error
    except UnexpectedEOF as error:
        raise BadQuery(_complaint(text, len(text)), column=len(text) + 1) from error
    except VisitError as error:
        if isinstance(error.orig_exc, BadQuery):
            raise error.orig_exc from error
        raise
    if len(query.terms) > MOST_TERMS:
        raise BadQuery(f"A search can have {MOST_TERMS} terms; this one has {len(query.terms)}.", column=1)
    return query


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, start="query", parser="lalr", propagate_positions=True)


class _Tree(Transformer[Token, Query]):
    def name(self, children: list[Token]) -> Token:
        token = children[0]
        name = " ".join(token.strip('"').split())
        if not name:
            raise BadQuery("There is nothing between these quotes.", column=(token.start_pos or 0) + 1)
        return Token(token.type, name, start_pos=token.start_pos)

    def match(self, children: list[Token]) -> HasLabel:
        least = float(children[2]) if len(children) > 1 else 0.0
        if least > 100:
            column = (children[2].start_pos or 0) + 1
            raise BadQuery(f"Confidence is a percentage, from 0 to 100, not {least:g}.", column=column)
        return HasLabel(str(children[0]), least)

    def term(self, children: list[HasLabel]) -> HasLabel:
        return children[0]

    def excluded(self, children: list[HasLabel]) -> HasLabel:
        return HasLabel(children[0].name, children[0].least, is_excluded=True)

    def query(self, children: list[HasLabel]) -> Query:
        return Query(tuple(dict.fromkeys(children)))


def _complaint(text: str, place: int) -> str:
    rest = text[place : place + 1]
    before = text[:place].rstrip()
    if rest == '"':
        return "Nothing closes this quote."
    if before.endswith(">="):
        return "A percentage belongs after >=, as in dog>=90."
    if before.endswith("-"):
        return "A label belongs after the minus, as in -dog."
    if rest in "<>=":
        return "Confidence is asked for with >= after a label, as in dog>=90."
    if rest in "()":
        return "Parentheses are not understood here; quote the label if they are part of its name."
    return f"“{rest}” is not understood here." if rest else "The search ends too early."


def _is_plain(name: str) -> bool:
    return name[:1] != "-" and not any(character in '"()<>=' or character.isspace() for character in name)


def names_in(query: Query) -> Iterator[str]:
    for term in query.terms:
        yield term.name.lower()
