"""JSON text as PostgreSQL's jsonb can store it."""

from __future__ import annotations

import re


def strip_unstorable(text: str) -> str:
    """Replace NUL and lone surrogates in JSON, which jsonb cannot store."""
    if "\\u0000" not in text and "\\ud" not in text:
        return text  # the usual case, which saves a regular expression that takes as long as serializing
    return _UNSTORABLE.sub(lambda match: match[0] if match["pair"] else match["before"] + "\\ufffd", text)


# An escaped NUL or surrogate after an even number of backslashes; surrogate pairs are kept.
_UNSTORABLE = re.compile(
    r"(?<!\\)(?P<before>(?:\\\\)*)(?:(?P<pair>\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|\\u0000|\\ud[89a-f][0-9a-f]{2})"
)
