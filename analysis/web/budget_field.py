"""The budget field of forms that start or change bulk runs."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from analysis.batches.options import InvalidBatchOptions, check_amounts


def parse_budget(text: str) -> Decimal | None:
    """US dollars, for example `$1,000`; None if empty. Raises InvalidBatchOptions."""
    number = text.strip().removeprefix("$").replace(",", "")
    if not number:
        return None
    try:
        # Cut: Decimal takes numbers of any length, and "1e999999999" is one that formatting would write out.
        budget = Decimal(number[:40])
    except InvalidOperation as error:
        message = _("“%(text)s” is not an amount in US dollars. Enter a number such as 20 or 0.50.")
        raise InvalidBatchOptions(message % {"text": text[:40]}) from error
    check_amounts(budget=budget)
    return budget
