"""Parser for settings that are budgets."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.core.exceptions import ImproperlyConfigured


def dollars(name: str, text: str) -> Decimal | None:
    """Parse US dollars; None for no limit. Raises ImproperlyConfigured."""
    try:
        amount = Decimal(text) if text else None
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and not (amount.is_finite() and amount >= 0):
        raise ImproperlyConfigured(f"{name} is {text!r}. Set it to US dollars, for example 100.")
    return amount
