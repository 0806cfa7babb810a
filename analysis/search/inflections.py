"""Inflections of English words: plurals and verb forms.

Words are folded (folding.py).
"""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock
from typing import cast

import snowballstemmer

# Endings that inflections add to the common beginning of two words: city and cities, bake and baking, stop and stopped.
_ENDING = re.compile(r"(?P<doubled>[a-z])?(?:ing|ed)|'?s|s'|es|e|y|ies|ied|")
# Irregular plurals that end alike, by the ending of the singular; others are in synonyms.csv. Not "ves" for "fe", since
# "caves" are no "cafe".
_PLURAL_ENDINGS = (("man", "men"), ("child", "children"), ("f", "ves"))
# A stemmer stores the word it works on, so it is not thread-safe.
_stemmer, _lock = snowballstemmer.stemmer("english"), Lock()


def is_inflection(word: str, other: str) -> bool:
    """True if two folded English words are forms of one word: plural, -ing or -ed."""
    short, long = sorted([word, other], key=len)
    if long == f"{short}es" and short.endswith(("s", "x", "z", "ch", "sh")):
        return True
    if _is_irregular_plural(word, other) or _is_irregular_plural(other, word):
        return True
    start = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    if start < 2 or not (_is_ending(word, start) and _is_ending(other, start)):
        return False
    # Only the stemmer knows that "caring" belongs to "care" and not to "car". But alone it would go too far:
    # "organization" has the same stem as "organ".
    return _stem(word) == _stem(other)


def _is_irregular_plural(plural: str, singular: str) -> bool:
    return len(singular) > 2 and any(
        singular.endswith(one) and plural == f"{singular.removesuffix(one)}{more}" for one, more in _PLURAL_ENDINGS
    )


def _is_ending(word: str, start: int) -> bool:
    ending = _ENDING.fullmatch(word, start)
    return ending is not None and ending["doubled"] in {None, word[start - 1]}


@lru_cache(maxsize=4_096)
def _stem(word: str) -> str:
    with _lock:
        return cast(str, _stemmer.stemWord(word))
