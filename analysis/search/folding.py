"""Folding of text: differences of case and accents."""

from __future__ import annotations

import re
import unicodedata

# Letters that Unicode does not decompose into a letter and an accent, and apostrophes.
_LETTERS = {
    **{ord(letter): plain for letter, plain in zip("øłđðıςþæœß", (*"olddiσ", "th", "ae", "oe", "ss"), strict=True)},
    **dict.fromkeys(map(ord, "\u2018\u2019\u02bc\uff07"), "'"),
}
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_OF_LABELS = _LETTERS | {ord("`"): "'"} | dict.fromkeys(map(ord, f"-{_DASHES}"), " ")
_OF_NAMES = _LETTERS | dict.fromkeys(map(ord, _DASHES), "-")
_ACCENTS = re.compile("[\u0300-\u036f]+")


def fold(text: str) -> str:
    """The text without differences of case, accents, apostrophes and dashes.

    Dashes are read as spaces: "T-Shirt" is "t shirt".
    """
    folded = text.lower()
    if not folded.isascii():
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        folded = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(folded.translate(_OF_LABELS).split()) or text.lower()


def fold_name(text: str) -> str:
    """A name without differences of case and accents.

    The same as `analysis_folded` in SQL. Punctuation stays, but for the kind of apostrophes and dashes.
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
    return plain.lower().translate(_OF_NAMES)


def unicode_forms(text: str) -> list[str]:
    """The text as typed, with composed (NFC) and with decomposed accents (NFD)."""
    if text.isascii():
        return [text]
    return list(dict.fromkeys([text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)]))
