"""What to do about an analysis that failed."""

from __future__ import annotations

BY_CODE = {
    "original-missing": "Its original is gone from the storage; `manage.py audit_library` finds all that are.",
    "storage": "Ask again when the storage works.",
    "defect": "This is a defect of imagelib: the worker's log has more of it.",
}
PERMANENT = "The same picture will most likely fail again."
PASSING = "It was tried several times. Ask again when the cause is over."


def advice(code: str, *, is_permanent: bool) -> str:
    """One sentence, beside the one that says what went wrong."""
    return BY_CODE.get(code, PERMANENT if is_permanent else PASSING)
