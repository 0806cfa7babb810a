"""Parser of the budget field in forms that start or change bulk runs."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from analysis.batches.options import InvalidBatchOptions, check_amounts


def parse_budget(text: str) -> Decimal | None:
    """Parse US dollars such as `$1,000`; None if empty. Raises InvalidBatchOptions."""
    number = text.strip().removeprefix("$").replace(",", "")
    if not number:
        return None
    try:
        # Limited, since Decimal accepts numbers of any length, and formatting would write "1e999999999" out in full.
        budget = Decimal(number[:40])
    except InvalidOperation as error:
        message = _("“%(text)s” is not an amount in US dollars. Enter a number such as 20 or 0.50.")
        raise InvalidBatchOptions(message % {"text": text[:40]}) from error
    check_amounts(budget=budget)
    return budget
