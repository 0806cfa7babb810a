"""Redaction of secrets in log lines and error reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping
from typing import Any

from analysis.aws.url_credentials import redact_url_credentials

REDACTED = "[redacted]"
# A shorter value might occur as a word in any message.
MIN_SECRET_LENGTH = 6
# A stack frame in a report to Sentry is eleven levels deep.
MAX_DEPTH = 14

_NAMES = r"pass(?:word|wd|phrase)?|secret|token|authorization|cookie|credentials?|api[_-]?key"
_SECRET_KEY = re.compile(rf"(?:^|[_-])(?:{_NAMES}|sessionid)(?:$|[_-])", re.IGNORECASE)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # A URL signed for S3 or CloudFront opens a picture to anyone, so only its path is kept.
    (
        re.compile(r"\?[^\s\"'<>]*(?:X-Amz-|Signature=|AWSAccessKeyId=|Key-Pair-Id=)[^\s\"'<>]*", re.IGNORECASE),
        f"?{REDACTED}",
    ),
    # The URLs of share links, invitations and password resets give access by themselves.
    (re.compile(r"(/(?:s|invitations|accounts/reset/[\w-]{1,40})/)(?!set-password|done/)[\w-]{12,}"), rf"\1{REDACTED}"),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\bimagelib_[\w-]{8,}"), f"imagelib_{REDACTED}"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), REDACTED),
    # password=…, "secret": "…", sessionid=…
    (
        re.compile(
            rf"((?:\b|_)(?:{_NAMES}|sessionid|csrftoken)[\w-]*[\"']?\s?(?:=|:)\s?[\"']?)(?!\[redacted)"
            r"(?!(?:Bearer|Basic)\s)[^\s\"'&,;)}\]]{3,}",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
)


class Redactor:
    """Replaces known secrets, and text that looks like one.

    `secrets` are the installation's own keys and passwords.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        texts = sorted({text for text in secrets if len(text) >= MIN_SECRET_LENGTH}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, texts))) if texts else None

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Redact an event, as a structlog processor."""
        for name, value in event.items():
            event[name] = self._field(name, value, depth=0)
        return event

    def text(self, text: str) -> str:
        if self._secrets:
            text = self._secrets.sub(REDACTED, text)
        text = redact_url_credentials(text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: Any, *, depth: int = 0) -> Any:
        """Redact a value of any type, including nested lists and dictionaries."""
        if depth > MAX_DEPTH:
            return REDACTED
        match value:
            case str():
                return self.text(value)
            case None | bool() | int() | float():
                return value
            case dict():
                return {name: self._field(name, item, depth=depth) for name, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(item, depth=depth + 1) for item in value]
        return self.text(str(value))

    def _field(self, name: object, value: Any, *, depth: int) -> Any:
        if value and _SECRET_KEY.search(str(name)):
            return REDACTED
        return self.value(value, depth=depth + 1)
