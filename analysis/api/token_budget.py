"""The spending limit of a token: the cost of its bulk runs, and what remains."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from django.db.models import Case, F, Sum, Value, When
from django.db.models.functions import Coalesce, Greatest

from analysis.models import Batch
from imagelib.accounts.models import ApiToken

ENDED = (Batch.State.DONE, Batch.State.CANCELLED)


def lock(token: ApiToken) -> ApiToken:
    """Lock the token for the transaction.

    Two concurrent starts then cannot spend the same dollars.
    """
    return ApiToken.objects.select_for_update().get(pk=token.pk)


def remaining(token: ApiToken) -> Decimal:
    """US dollars that further runs may cost.

    Runs that can still continue count with their whole budget.
    """
    used = used_by([token.pk]).get(token.pk, Decimal(0))
    return max(Decimal(0), (token.spending_limit or Decimal(0)) - used)


def used_by(token_ids: Collection[int]) -> dict[int, Decimal]:
    """Used US dollars of the limit, by token.

    Tokens without runs are left out.
    """
    # The larger one, since a run's budget can be lowered below what it has spent.
    reserved = Greatest(F("dollars"), Coalesce(F("budget"), Value(Decimal(0))))
    cost = Case(When(state__in=ENDED, then=F("dollars")), default=reserved)
    runs = Batch.objects.filter(api_token__in=token_ids).order_by()
    return dict(runs.values_list("api_token").annotate(used=Sum(cost)))
