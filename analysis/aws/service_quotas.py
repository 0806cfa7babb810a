"""The calls a second that AWS allows this account, as Service Quotas tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from analysis.aws import clients

PER_SECOND = re.compile(r"\b(transactions|requests|calls) per second\b|\bTPS\b", re.IGNORECASE)


def applied(service: str, *, operations: Iterable[str], region: str, client: Any = None) -> dict[str, float]:
    """Calls a second by operation; what the answer does not name is missing. Raises Refused.

    Needs servicequotas:ListServiceQuotas. A quota is an operation's if its usage metric or its name says so, as in
    "Transactions per second per account for the Amazon Rekognition Image operation DetectLabels"; of several the
    smallest counts.
    """
    wanted, found = list(operations), dict[str, float]()
    for quota in _quotas(client or clients.client("service-quotas", region=region), service):
        for operation in _named(quota, wanted) if _is_rate(quota) else ():
            found[operation] = min(float(quota["Value"]), found.get(operation, float("inf")))
    return found


def _quotas(client: Any, service: str) -> Iterator[Mapping[str, Any]]:
    asked = {"ServiceCode": service, "MaxResults": 100}
    while True:
        with clients.translate_errors():
            said = client.list_service_quotas(**asked)
        yield from said.get("Quotas", [])
        if not said.get("NextToken"):
            return
        asked["NextToken"] = said["NextToken"]


def _is_rate(quota: Mapping[str, Any]) -> bool:
    value, period = quota.get("Value"), quota.get("Period")
    if not isinstance(value, int | float) or value <= 0:
        return False
    if period:
        return bool(period.get("PeriodUnit") == "SECOND" and period.get("PeriodValue", 1) == 1)
    return PER_SECOND.search(str(quota.get("QuotaName", ""))) is not None


def _named(quota: Mapping[str, Any], operations: list[str]) -> list[str]:
    dimensions = quota.get("UsageMetric", {}).get("MetricDimensions", {})
    if dimensions.get("Resource") in operations:
        return [dimensions["Resource"]]
    words = set(re.findall(r"\w+", str(quota.get("QuotaName", ""))))
    return [operation for operation in operations if operation in words]
