"""Rate limits of this account, from AWS Service Quotas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from analysis.aws import clients

PER_SECOND = re.compile(r"\b(transactions|requests|calls) per second\b|\bTPS\b", re.IGNORECASE)


def applied(service: str, *, operations: Iterable[str], region: str, client: Any = None) -> dict[str, float]:
    """Calls per second by operation, for operations that have a quota.

    Raises AWSError.

    Needs servicequotas:ListServiceQuotas. A quota's usage metric or name identifies the operation, as in "Transactions
    per second per account for the Amazon Rekognition Image operation DetectLabels". Of several quotas the smallest one
    counts.
    """
    names, limits = list(operations), dict[str, float]()
    for quota in _quotas(client or clients.client("service-quotas", region=region), service):
        for operation in _operations(quota, names) if _is_rate(quota) else ():
            limits[operation] = min(float(quota["Value"]), limits.get(operation, float("inf")))
    return limits


def _quotas(client: Any, service: str) -> Iterator[Mapping[str, Any]]:
    params = {"ServiceCode": service, "MaxResults": 100}
    while True:
        with clients.translate_errors():
            response = client.list_service_quotas(**params)
        yield from response.get("Quotas", [])
        if not response.get("NextToken"):
            return
        params["NextToken"] = response["NextToken"]


def _is_rate(quota: Mapping[str, Any]) -> bool:
    value, period = quota.get("Value"), quota.get("Period")
    if not isinstance(value, int | float) or value <= 0:
        return False
    if period:
        return bool(period.get("PeriodUnit") == "SECOND" and period.get("PeriodValue", 1) == 1)
    return PER_SECOND.search(str(quota.get("QuotaName", ""))) is not None


def _operations(quota: Mapping[str, Any], operations: list[str]) -> list[str]:
    dimensions = quota.get("UsageMetric", {}).get("MetricDimensions", {})
    if dimensions.get("Resource") in operations:
        return [dimensions["Resource"]]
    # Whole words, since DetectLabels is also the beginning of other operations' names.
    words = set(re.findall(r"\w+", str(quota.get("QuotaName", ""))))
    return [operation for operation in operations if operation in words]
