"""Recognizers to choose from, with the use, cost and settings of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.health import aws
from analysis.models import Analysis, ModelVersion, Outage
from analysis.recognition import registry
from analysis.recognition.prices import price_list

EXAMPLE_REGION, EXAMPLE_BUDGET = "eu-central-1", 50
SIZES = (1_000, 10_000)
PRICED = "rekognition"


@dataclass(frozen=True)
class Option:
    """A recognizer; `lines` are the settings that select it."""

    name: str
    title: str
    text: str
    lines: str
    is_current: bool


@dataclass(frozen=True)
class PriceRow:
    """An API and its price for each number of pictures."""

    name: str
    prices: tuple[str, ...]
    is_enabled: bool


@dataclass(frozen=True)
class Prices:
    columns: tuple[str, ...]
    rows: tuple[PriceRow, ...]
    region: str
    as_of: str
    source: str


def options() -> list[Option]:
    return [
        _option("local", _("Local models"), _local_text(), "RECOGNIZER=local"),
        _option(PRICED, _("Amazon Rekognition"), _rekognition_text(), _rekognition_lines()),
        _option("simulator", _("Simulator"), _simulator_text(), "RECOGNIZER=simulator"),
    ]


def prices(pictures: int) -> Prices:
    """Rekognition's prices for some numbers of pictures, and for the library's own."""
    region = settings.AWS_REGION or EXAMPLE_REGION
    sizes, price, enabled = (*SIZES, *([pictures] if pictures else [])), price_list(region), _enabled_when_paid()
    rows = tuple(
        PriceRow(
            str(Analysis.Api(api).label),
            tuple(formatting.dollars(price.price_of_many(api, registry.parameters(api), count=size)) for size in sizes),
            api in enabled,
        )
        for api in Analysis.Api.values
    )
    columns = tuple(formatting.pictures(size) for size in SIZES)
    if pictures:
        columns = (*columns, _("Yours: %(pictures)s") % {"pictures": formatting.pictures(pictures)})
    return Prices(columns, rows, region, formatting.taken_day(datetime.combine(price.as_of, time())), price.source)


def problem() -> str:
    """The reason why the recognizer is not ready; empty if it is.

    It is ready once it has returned results and no API is down.
    """
    if _is_simulator():
        return _("The simulator makes up labels and costs. Choose another recognizer for real pictures.")
    if Outage.objects.filter(recognizer=settings.RECOGNIZER).exists():
        return _("Analysis is paused: an API is not available.")
    if not ModelVersion.objects.filter(recognizer=settings.RECOGNIZER).exists():
        return _("Set, but it has not analyzed a picture yet.")
    return ""


def maximum_check_cost() -> Decimal:
    """The most that `manage.py check_aws` may cost with the enabled APIs."""
    return aws.maximum_cost()


def _option(name: str, title: str, text: str, lines: str) -> Option:
    return Option(name, title, text, lines, is_current=name == settings.RECOGNIZER)


def _is_simulator() -> bool:
    return bool(settings.RECOGNIZER == "simulator")


def _enabled_when_paid() -> frozenset[str]:
    return frozenset(settings.RECOGNIZER_APIS or registry.PAID_DEFAULT_APIS)


def _local_text() -> str:
    return _(
        "Free. Runs on this machine, and no picture leaves it. Recognizes fewer kinds of objects than "
        "Rekognition, and no celebrities."
    )


def _rekognition_text() -> str:
    return _("Recognizes thousands of kinds of objects. Every picture is sent to AWS, which charges for each API.")


def _simulator_text() -> str:
    return _("Free. Makes up labels that have nothing to do with the picture. For demos and tests.")


def _rekognition_lines() -> str:
    region, apis = settings.AWS_REGION or EXAMPLE_REGION, ",".join(sorted(_enabled_when_paid()))
    budget = settings.MONTHLY_BUDGET if settings.MONTHLY_BUDGET is not None else EXAMPLE_BUDGET
    return f"RECOGNIZER=rekognition\nAWS_REGION={region}\nRECOGNIZER_APIS={apis}\nMONTHLY_BUDGET={budget}"
