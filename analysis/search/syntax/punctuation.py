"""Replaces curly quotes, dashes and invisible marks by the signs of the grammar."""

from __future__ import annotations

import re

from analysis.search.literals import DASHES, INVISIBLE, QUOTES

# Text in straight quotes is not changed, so that names with other marks can be searched.
_MARKS = re.compile(
    rf"""
    (?P<straight>"(?:[^"\\]|\\.)*"?)
    | [{QUOTES}](?P<phrase>[^"{QUOTES}]*)["{QUOTES}]
    | (?P<open>[{QUOTES}])
    | (?P<invisible>\u200b | (?<![^\s():<>=-])[{INVISIBLE}]+ | [{INVISIBLE}]{{1,20}}(?=[\s():<>=*]|$))
    | (?<![^\s({INVISIBLE}])[{DASHES}](?=[^\s{DASHES}])
    """,
    re.VERBOSE | re.DOTALL,
)


def normalize_punctuation(text: str) -> str:
    """The text with straight quotes and minus signs, of the same length."""
    return _MARKS.sub(_plain, text)


def _plain(match: re.Match[str]) -> str:
    if match["straight"]:
        return match[0]
    if match["phrase"] is not None:
        return f'"{match["phrase"]}"'
    if match["invisible"]:
        return " " * len(match[0])  # errors name columns
    return '"' if match["open"] else "-"
