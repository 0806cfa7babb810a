"""The parser of the search language (docs/search.md); `Query.text` is the inverse.

Spaces mean "and"; OR joins the two terms next to it and binds tighter, as in web search engines:
`beach dog OR cat` is `beach (dog OR cat)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import cast

from django.utils.translation import gettext as _
from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

from analysis import formatting
from analysis.search.errors import InvalidQuery
from analysis.search.query import Query, all_of, any_of, default_sort, negation
from analysis.search.syntax import tokens
from analysis.search.syntax.parse_trace import MAX_DEPTH, ParseTrace, too_deep_message, unexpected_character
from analysis.search.syntax.punctuation import normalize_punctuation
from analysis.search.syntax.query_cost import check_cost
from analysis.search.terms import And, FaceTerm, Node, Term

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "MAX_TERMS", "InvalidQuery", "parse"]

MAX_LENGTH = 4_000
MAX_TERMS = 200

# The numbers after terminals are priorities: `sort:` is not a field, and `dog*` not a word.
GRAMMAR = r"""
    query: (_part | order)*
    order: SORT _value

    _part: _unary | either
    either: _unary (_OR _unary)+
    _unary: _leaf | group | negated
    negated: (_MINUS | _NOT) _unary
    group: _OPEN _part+ _CLOSE

    _leaf: bare | compared | field | field_compared | label_with_confidence | instance_count | face | relative_date
        | place
    bare: _value
    compared: _value COMPARE _value
    field: FIELD _value
    field_compared: FIELD COMPARE _value
    label_with_confidence: FIELD _value COMPARE _value
    instance_count: _COUNT _value _CLOSE (COMPARE | COLON) _value
    face: FACE (trait | age)+ _CLOSE
    trait: _value
    age: (FIELD | FIELD COMPARE | _value COMPARE) _value
    relative_date: RELATIVE_DATE
    place: SOUTH_OR_WEST
    _value: WORD | PREFIX | QUOTED | QUOTED_PREFIX

    RELATIVE_DATE.5: /(taken|added):\s*last\s+[0-9]+\s+(day|week|month|year)s?(?![^\s()])/i
    SOUTH_OR_WEST.5: /(near|box):\s*-[0-9][^\s"()<>=:*]*/i
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
# PostgreSQL stores neither NUL nor lone surrogates; they are read as spaces.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def parse(text: str) -> Query:
    """The query of a text. Raises InvalidQuery for the first error in it."""
    # Cached, since pages parse a text several times and people repeat searches; by day, since `added>=today` changes
    # every day.
    return _parse(text, datetime.now(UTC).date())


@lru_cache(maxsize=256)
def _parse(text: str, _today: date) -> Query:
    if len(text) > MAX_LENGTH:
        message = _("A search can have at most %(maximum)s characters; this one has %(number)s.")
        raise InvalidQuery(_limit_message(message, MAX_LENGTH, len(text)), column=MAX_LENGTH + 1)
    query = _read(normalize_punctuation(UNSTORABLE.sub(" ", text)))
    all_leaves = [leaf for part in query.parts for leaf in part.leaves]
    if len(all_leaves) > MAX_TERMS:
        message = _("A search can have at most %(maximum)s terms; this one has %(number)s.")
        raise InvalidQuery(_limit_message(message, MAX_TERMS, len(all_leaves)), column=1)
    check_cost(all_leaves)
    if query.depth > MAX_DEPTH:
        raise InvalidQuery(too_deep_message(), column=1)
    return query


def _limit_message(message: str, maximum: int, number: int) -> str:
    return message % {"maximum": formatting.count(maximum), "number": formatting.count(number)}


def _read(text: str) -> Query:
    # The interactive parser, so that the trace sees each token before the parser may reject it.
    state = _parser().parse_interactive(text)
    trace = ParseTrace()
    try:
        for token in state.iter_parse():
            trace.add(token)
        query: Query = state.feed_token(Token("$END", ""))
    except UnexpectedCharacters as error:
        raise unexpected_character(text, error.pos_in_stream or 0) from error
    except UnexpectedToken as error:
        raise trace.error(cast(Token, error.token), text) from error
    return query


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, start="query", parser="lalr", lexer="basic", transformer=_TreeBuilder())


class _Order(str):
    """The value of `sort:` and its position."""

    column = 0


class _TreeBuilder(Transformer[Token, Query]):
    """Builds terms, by rule of the grammar.

    Innermost rules come first, so that nesting needs no recursion.
    """

    def query(self, children: list[Node | _Order]) -> Query:
        orders = [child for child in children if isinstance(child, _Order)]
        if len(orders) > 1:
            raise InvalidQuery(_("A search can have only one sort order; remove this sort:."), column=orders[1].column)
        root = all_of(child for child in children if not isinstance(child, _Order))
        parts = root.parts if isinstance(root, And) else (root,)
        return Query(parts, str(orders[0]) if orders else default_sort(parts))

    def order(self, children: list[Token]) -> _Order:
        order = _Order(tokens.sort(children[1]))
        order.column = tokens.column(children[0])
        return order

    def either(self, children: list[Node]) -> Node:
        return any_of(children)

    def negated(self, children: list[Node]) -> Node:
        return negation(children[0])

    def group(self, children: list[Node]) -> Node:
        return all_of(children)

    def bare(self, children: list[Token]) -> Term:
        if children[0] == "AND" and children[0].type == "WORD":
            message = _('All terms must match by default. Remove AND, or put it in quotes if it is a label: "AND".')
            raise tokens.error_at(children[0], message)
        return tokens.label(children[0])

    def compared(self, children: list[Token]) -> Term:
        return tokens.compared(*children)

    def field(self, children: list[Token]) -> Term:
        return tokens.field(children[0], None, children[1])

    def field_compared(self, children: list[Token]) -> Term:
        return tokens.field(*children)

    def label_with_confidence(self, children: list[Token]) -> Term:
        return tokens.label_with_confidence(*children)

    def instance_count(self, children: list[Token]) -> Term:
        name, sign, number = children
        return tokens.instance_count(name, "" if sign == ":" else str(sign), number)

    def face(self, children: list[Token | str | FaceTerm]) -> Term:
        return tokens.face(cast(Token, children[0]), cast(Iterable[str | FaceTerm], children[1:]))

    def trait(self, children: list[Token]) -> str:
        return tokens.trait(children[0])

    def age(self, children: list[Token]) -> Term:
        return tokens.age(children[0], str(children[1]) if len(children) > 2 else "", children[-1])

    def relative_date(self, children: list[Token]) -> Term:
        return tokens.relative_date(children[0])

    def place(self, children: list[Token]) -> Term:
        return tokens.place(children[0])
