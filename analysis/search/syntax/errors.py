"""What is wrong with a text that the grammar does not take, and where."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token

from analysis.search.syntax.ranges import InvalidQuery
from analysis.search.syntax.terms import bad, known

MAX_DEPTH = 50
TOO_DEEP = f"Parentheses and NOT can stand in one another {MAX_DEPTH} deep."
OPENING = ("_OPEN", "_COUNT", "FACE")
NEGATING = ("_NOT", "_MINUS")


class ParseTrace:
    """How a text was read so far: its tokens, and the parentheses that are open."""

    def __init__(self) -> None:
        self.last: Token | None = None
        self._before: Token | None = None
        self._open: list[Token] = []
        self._closed: Token | None = None
        self._negations = 0

    def take(self, token: Token) -> None:
        """One more token, before the parser is given it. Raises BadQuery at one level too many."""
        self._before, self.last = self.last, token
        if token.type in OPENING:
            self._open.append(token)
        elif token.type == "_CLOSE":
            self._closed = self._open.pop() if self._open else None
        self._negations = self._negations + 1 if token.type in NEGATING else 0
        if len(self._open) + self._negations > MAX_DEPTH:
            raise bad(token, TOO_DEEP)

    def complaint(self, unexpected: Token, text: str) -> InvalidQuery:
        """The parser took everything but this last token."""
        is_end = unexpected.type == "$END"
        before = self.last if is_end else self._before
        place = len(text) + 1 if is_end else (unexpected.start_pos or 0) + 1
        return next(self._complaints(unexpected, before, place))

    def _complaints(self, unexpected: Token, before: Token | None, place: int) -> Iterator[InvalidQuery]:
        """The most telling one first."""
        if unexpected.type == "_CLOSE" and self._closed is None:
            yield bad(unexpected, "Nothing opens this parenthesis.")
        if before is not None:
            yield from _unfinished(before, unexpected, place)
        if unexpected.type == "_OR":
            yield bad(unexpected, "OR stands between two terms, as in dog OR cat.")
        if self._open and unexpected.type == "$END":
            yield bad(self._open[-1], "Nothing closes this parenthesis.")
        if self._open and self._open[-1].type in _INSIDE and unexpected.type not in OPENING:
            yield bad(unexpected, _INSIDE[self._open[-1].type])
        if before is not None and before.type == "_CLOSE" and self._closed and self._closed.type == "_COUNT":
            yield InvalidQuery("Say how many there are, as in count(person)>=3.", column=place)
        message = _STRAY.get(unexpected.type, f"“{unexpected}” is not understood here.")
        yield InvalidQuery(message, column=place)


def unexpected_character(text: str, place: int) -> InvalidQuery:
    """For a character that begins nothing; `place` counts from zero."""
    message = "An asterisk stands at the end of a word, as in dog*; quote it if it is a part of a label."
    return InvalidQuery("Nothing closes this quote." if text[place] == '"' else message, column=place + 1)


def _unfinished(before: Token, unexpected: Token, place: int) -> Iterator[InvalidQuery]:
    """What came before needs something else after it."""
    if before.type in OPENING and unexpected.type == "_CLOSE":
        yield bad(before, "There is nothing between these parentheses.")
    if before.type in NEGATING:
        name, example = ("NOT", "NOT dog") if before.type == "_NOT" else ("the minus", "-dog")
        yield bad(before, f"A term belongs after {name}, as in {example}.")
    if before.type == "_OR" and unexpected.type not in {"SORT", "_OR"}:
        yield bad(before, "OR stands between two terms, as in dog OR cat.")
    if before.type in {"FIELD", "SORT"}:
        which = known(before)
        yield InvalidQuery(f"A value belongs after {which}:, in quotes if it is more than a plain word.", column=place)
    if before.type in {"COMPARE", "COLON"}:
        yield InvalidQuery(f"A number or a day belongs after {before}, as in dog>=90 or taken>=2024-05.", column=place)


_INSIDE = {
    "FACE": "face(…) takes what one face shows and its age, as in face(smile age:20..30); quote what is no plain word.",
    "_COUNT": "count(…) takes one label, as in count(person)>=3.",
}
_STRAY = {
    "SORT": "The order is of the whole search: sort: stands neither in parentheses nor beside OR or NOT.",
    "COMPARE": "A comparison belongs right after a label or a field, as in dog>=90 or width>=4000.",
    "COLON": "The colon belongs right after the field, as in tag:summer; quote it if it is a part of a label.",
}
