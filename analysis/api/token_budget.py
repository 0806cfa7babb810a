"""The spending limit of a token: what its bulk runs cost and may still cost."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Case, F, Sum, Value, When
from django.db.models.functions import Coalesce, Greatest

from analysis.models import Batch
from imagelib.accounts.models import ApiToken

ENDED = (Batch.State.DONE, Batch.State.CANCELLED)


def lock(token: ApiToken) -> ApiToken:
    """Lock the token for the transaction.

    Two runs started at once then cannot spend the same dollars.
    """
    return ApiToken.objects.select_for_update().get(pk=token.pk)


def remaining(token: ApiToken) -> Decimal:
    """US dollars that further runs may cost.

    Runs that can still go on count with their whole budget.
    """
    # A run's budget can be lowered below what it has spent, so the larger one counts.
    reserved = Greatest(F("dollars"), Coalesce(F("budget"), Value(Decimal(0))))
    cost = Case(When(state__in=ENDED, then=F("dollars")), default=reserved)
    used: Decimal = Batch.objects.filter(api_token=token).aggregate(used=Coalesce(Sum(cost), Value(Decimal(0))))["used"]
    return max(Decimal(0), (token.spending_limit or Decimal(0)) - used)
