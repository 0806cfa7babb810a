"""Advice below the message of a failed analysis: whether to retry, and when."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

BY_CODE = {
    "original-missing": _("The original is missing from storage. `manage.py audit_library` lists all missing files."),
    "storage": _("Retry when the storage is available again."),
    "defect": _("This is a bug in imagelib; see the worker log."),
}
PERMANENT = _("A retry will most likely fail again for this picture.")
TEMPORARY = _("All retries failed. Retry once the cause is fixed.")


def advice(code: str, *, is_permanent: bool) -> str:
    """One sentence with advice, shown after the error message."""
    return str(BY_CODE.get(code, PERMANENT if is_permanent else TEMPORARY))
