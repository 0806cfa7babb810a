"""Error messages for texts that the grammar does not accept, with their position."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from lark import Token

from analysis import formatting
from analysis.search.errors import InvalidQuery
from analysis.search.syntax.tokens import error_at, field_name

MAX_DEPTH = 50
OPENING = ("_OPEN", "_COUNT", "FACE")
NEGATING = ("_NOT", "_MINUS")


class ParseTrace:
    """The tokens read so far and the parentheses that are open."""

    def __init__(self) -> None:
        self.last: Token | None = None
        self._before: Token | None = None
        self._open: list[Token] = []
        self._closed: Token | None = None
        self._negations = 0

    def add(self, token: Token) -> None:
        """Record a token before it is parsed. Raises InvalidQuery if nested too deep."""
        self._before, self.last = self.last, token
        if token.type in OPENING:
            self._open.append(token)
        elif token.type == "_CLOSE":
            self._closed = self._open.pop() if self._open else None
        self._negations = self._negations + 1 if token.type in NEGATING else 0
        if len(self._open) + self._negations > MAX_DEPTH:
            raise error_at(token, too_deep_message())

    def error(self, unexpected: Token, text: str) -> InvalidQuery:
        """The error for the first token that the parser rejected."""
        is_end = unexpected.type == "$END"
        before = self.last if is_end else self._before
        column = len(text) + 1 if is_end else (unexpected.start_pos or 0) + 1
        return next(self._errors(unexpected, before, column))

    def _errors(self, unexpected: Token, before: Token | None, column: int) -> Iterator[InvalidQuery]:
        """All errors that apply, the most specific first."""
        if unexpected.type == "_CLOSE" and self._closed is None:
            yield error_at(unexpected, _("Unmatched closing parenthesis."))
        if before is not None:
            yield from _incomplete(before, unexpected, column)
        if unexpected.type == "_OR":
            yield error_at(unexpected, _or_message())
        if self._open and unexpected.type == "$END":
            yield error_at(self._open[-1], _("Unclosed parenthesis."))
        if self._open and self._open[-1].type == "FACE" and unexpected.type not in OPENING:
            message = _('face(…) accepts traits and an age, for example face(smile "eyes open" age:20..30).')
            yield error_at(unexpected, message)
        if self._open and self._open[-1].type == "_COUNT" and unexpected.type not in OPENING:
            yield error_at(unexpected, _("count(…) accepts one label, for example count(person)>=3."))
        if before is not None and before.type == "_CLOSE" and self._closed and self._closed.type == "_COUNT":
            yield InvalidQuery(_("Add a number to compare with, for example count(person)>=3."), column=column)
        yield InvalidQuery(_unexpected_message(unexpected), column=column)


def unexpected_character(text: str, position: int) -> InvalidQuery:
    """The error for a character that begins no token; `position` counts from 0."""
    if text[position] == '"':
        return InvalidQuery(_("Unclosed quotation mark."), column=position + 1)
    message = _(
        "An asterisk is only allowed at the end of a word, for example dog*. "
        "If it is part of a label, put the label in quotes."
    )
    return InvalidQuery(message, column=position + 1)


def too_deep_message() -> str:
    message = _("Parentheses and NOT can be nested at most %(maximum)s levels.")
    return message % {"maximum": formatting.count(MAX_DEPTH)}


def _incomplete(before: Token, unexpected: Token, column: int) -> Iterator[InvalidQuery]:
    """Errors of a preceding token that needs something else after it."""
    if before.type in OPENING and unexpected.type == "_CLOSE":
        yield error_at(before, _("There is nothing between these parentheses."))
    if before.type == "_NOT":
        yield error_at(before, _("NOT needs a term after it, for example NOT dog."))
    if before.type == "_MINUS":
        yield error_at(before, _("A minus sign needs a term after it, for example -dog."))
    if before.type == "_OR" and unexpected.type not in {"SORT", "_OR"}:
        yield error_at(before, _or_message())
    if before.type in {"FIELD", "SORT"}:
        message = _("%(field)s: needs a value; put quotes around several words.")
        yield InvalidQuery(message % {"field": field_name(before)}, column=column)
    if before.type in {"COMPARE", "COLON"}:
        message = _("Expected a number or a date after %(sign)s, for example dog>=90 or taken>=2024-05.")
        yield InvalidQuery(message % {"sign": before}, column=column)


def _or_message() -> str:
    return _("OR needs a term on both sides, for example dog OR cat.")


def _unexpected_message(token: Token) -> str:
    match token.type:
        case "SORT":
            return _("sort: applies to the whole search; move it out of parentheses and away from OR and NOT.")
        case "COMPARE":
            return _("A comparison must follow a label or a field, for example dog>=90 or width>=4000.")
        case "COLON":
            return _(
                "A colon must directly follow a field, for example tag:summer. "
                "If it is part of a label, put the label in quotes."
            )
    return _("Unexpected “%(text)s”.") % {"text": token}
