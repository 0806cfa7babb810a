"""The query language: text to tree. Documented in docs/search.md; written.py is the way back.

Spaces mean "and"; OR joins the two terms beside it and binds tighter, as web searches have it:
`beach dog OR cat` is `beach (dog OR cat)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

from analysis.search.query import And, FaceTerm, Leaf, Node, Query, all_of, any_of, leaves, negation
from analysis.search.query_cost import check_costs
from analysis.search.syntax import terms
from analysis.search.syntax.errors import MAX_DEPTH, TOO_DEEP, ParseTrace, unexpected_character
from analysis.search.syntax.ranges import InvalidQuery
from analysis.search.syntax.serializer import parentheses

__all__ = ["LONGEST", "MAX_DEPTH", "MOST_TERMS", "InvalidQuery", "parse"]

LONGEST = 4_000
MOST_TERMS = 200

GRAMMAR = r"""
    query: (_part | order)*
    order: SORT _value

    _part: _unary | either
    either: _unary (_OR _unary)+
    _unary: _leaf | group | negated
    negated: (_MINUS | _NOT) _unary
    group: _OPEN _part+ _CLOSE

    _leaf: bare | compared | field | measured | sure | counted | face | lately
    bare: _value
    compared: _value COMPARE _value
    field: FIELD _value
    measured: FIELD COMPARE _value
    sure: FIELD _value COMPARE _value
    counted: _COUNT _value _CLOSE (COMPARE | COLON) _value
    face: FACE (trait | age)+ _CLOSE
    trait: _value
    age: (FIELD | FIELD COMPARE | _value COMPARE) _value
    lately: LATELY
    _value: WORD | PREFIX | QUOTED | QUOTED_PREFIX

    LATELY.5: /(taken|added):\s*last\s+[0-9]+\s+(day|week|month|year)s?(?![^\s()])/i
    SORT.4: /sort:/i
    _COUNT.4: /count\(/i
    FACE.4: /face\(/i
    FIELD.3: /[^\s"()<>=:*-][^\s"()<>=:*]*:/
    QUOTED_PREFIX.2: /"(?:[^"\\]|\\.)*"\*(?=[\s()<>=]|\Z)/s
    PREFIX.2: /[^\s"()<>=:*-][^\s"()<>=:*]*\*(?=[\s()<>=]|\Z)/
    QUOTED.1: /"(?:[^"\\]|\\.)*"/s
    WORD.1: /[^\s"()<>=:*-][^\s"()<>=:*]*/
    _OR.1: "OR"
    _NOT.1: "NOT"
    COMPARE: />=|<=|>|<|=/
    COLON: ":"
    _MINUS: "-"
    _OPEN: "("
    _CLOSE: ")"
    %ignore /\s+/
"""
UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""What no column of the database takes; read as a space."""


def parse(text: str) -> Query:
    """Read a query. Raises BadQuery with the place of the first thing that is wrong, and nothing else."""
    if len(text) > LONGEST:
        raise InvalidQuery(
            f"A search can be {LONGEST:,} characters long; this one has {len(text):,}.", column=LONGEST + 1
        )
    query = _read(UNWRITABLE.sub(" ", text))
    terms = [leaf for part in query.parts for leaf in leaves(part)]
    if len(terms) > MOST_TERMS:
        raise InvalidQuery(f"A search can have {MOST_TERMS} terms; this one has {len(terms)}.", column=1)
    check_costs(terms)
    if parentheses(query) > MAX_DEPTH:
        raise InvalidQuery(TOO_DEEP, column=1)
    return query


def _read(text: str) -> Query:
    state = _parser().parse_interactive(text)
    way = ParseTrace()
    try:
        for token in state.iter_parse():
            way.take(token)
        query: Query = state.feed_token(Token("$END", ""))
    except UnexpectedCharacters as error:
        raise unexpected_character(text, error.pos_in_stream or 0) from error
    except UnexpectedToken as error:
        raise way.complaint(cast(Token, error.token), text) from error
    return query


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, start="query", parser="lalr", lexer="basic", transformer=_Reader())


class _Order(str):
    """What comes after `sort:`."""

    column = 0


class _Reader(Transformer[Token, Query]):
    """Called as the parser goes, from the inside out, so that depth costs no recursion."""

    def query(self, children: list[Node | _Order]) -> Query:
        orders = [each for each in children if isinstance(each, _Order)]
        if len(orders) > 1:
            raise InvalidQuery("A search has one order; sort: stands here a second time.", column=orders[1].column)
        whole = all_of(each for each in children if not isinstance(each, _Order))
        parts = whole.parts if isinstance(whole, And) else (whole,)
        return Query(parts, str(orders[0]) if orders else "newest")

    def order(self, children: list[Token]) -> _Order:
        found = _Order(terms.chosen("sort", children[1]))
        found.column = terms.column(children[0])
        return found

    def either(self, children: list[Node]) -> Node:
        return any_of(children)

    def negated(self, children: list[Node]) -> Node:
        return negation(children[0])

    def group(self, children: list[Node]) -> Node:
        return all_of(children)

    def bare(self, children: list[Token]) -> Leaf:
        if children[0] == "AND" and children[0].type == "WORD":
            raise terms.bad(children[0], 'All terms must hold anyway: leave AND out, or quote it as a label: "AND".')
        return terms.label(children[0])

    def compared(self, children: list[Token]) -> Leaf:
        return terms.compared(*children)

    def field(self, children: list[Token]) -> Leaf:
        return terms.field(children[0], None, children[1])

    def measured(self, children: list[Token]) -> Leaf:
        return terms.field(*children)

    def sure(self, children: list[Token]) -> Leaf:
        return terms.sure(*children)

    def counted(self, children: list[Token]) -> Leaf:
        name, sign, number = children
        return terms.counted(name, "" if sign == ":" else str(sign), number)

    def face(self, children: list[Token | str | FaceTerm]) -> Leaf:
        return terms.one_face(cast(Token, children[0]), cast(Iterable[str | FaceTerm], children[1:]))

    def trait(self, children: list[Token]) -> str:
        return terms.trait(children[0])

    def age(self, children: list[Token]) -> FaceTerm:
        return terms.age(children[0], str(children[1]) if len(children) > 2 else "", children[-1])

    def lately(self, children: list[Token]) -> Leaf:
        return terms.lately(children[0])
