from datetime import date
from decimal import Decimal

import pytest
from django.utils.timezone import now

from analysis.models import Spend, SpendEntry
from analysis.recognition import ledger
from analysis.recognition.prices import price_list

WITH_PROPERTIES = {"image_properties": True}


def test_price_depends_on_region_api_and_parameters():
    prices = price_list("us-east-1")
    assert prices.price("labels", {}) == Decimal("0.001")
    assert prices.price("labels", WITH_PROPERTIES) == Decimal("0.00175")
    assert prices.price("faces", WITH_PROPERTIES) == Decimal("0.001")
    assert price_list("eu-central-1").price("labels", {}) == Decimal("0.0012")
    assert prices.as_of == date(2026, 11, 20)


def test_price_falls_with_the_number_of_calls():
    prices = price_list("us-east-1")
    assert prices.price("faces", {}, already=999_999) == Decimal("0.001")
    assert prices.price("faces", {}, already=1_000_000) == Decimal("0.0008")
    assert prices.price("faces", {}, already=10**9) == Decimal("0.00025")
    assert prices.price_of_many("faces", {}, count=2_000_000) == Decimal("1800")
    assert prices.price_of_many("faces", {}, count=10, already=999_995) == Decimal("0.009")


def test_unknown_region_uses_the_highest_prices():
    assert price_list("mars-north-1") == price_list("ap-northeast-1")


def test_prices_file_setting_replaces_the_list(settings, tmp_path):
    settings.PRICES_FILE = str(tmp_path / "prices.toml")
    (tmp_path / "prices.toml").write_text(
        'as_of = 2027-01-01\nsource = "contract"\n[regions.here]\n'
        'calls = [{ dollars = "0.0005" }]\nimage_properties = [{ dollars = "0.0001" }]\n'
    )
    assert price_list("here").price("labels", WITH_PROPERTIES) == Decimal("0.0006")


@pytest.mark.django_db
def test_estimate_continues_the_months_price_tier():
    Spend.objects.create(
        day=now().date().replace(day=1),
        recognizer="rekognition",
        region="us-east-1",
        api="labels",
        answered=999_990,
        dollars=1000,
    )
    labels, faces = ledger.estimate(
        10,
        apis=["labels", "faces"],
        parameters={"labels": WITH_PROPERTIES},
        recognizer="rekognition",
        region="us-east-1",
    )
    assert (labels.calls, labels.dollars) == (10, Decimal("0.0175"))
    assert (faces.calls, faces.dollars) == (10, Decimal("0.008"))


@pytest.mark.django_db
def test_entries_are_added_to_their_day_exactly_once():
    kind = {"day": now().date(), "recognizer": "rekognition", "region": "us-east-1", "api": "labels"}
    for _ in range(3):
        SpendEntry.objects.create(**kind, calls=2, answered=1, dollars=Decimal("0.001"))
    SpendEntry.objects.create(**{**kind, "api": "faces"}, calls=1, answered=1, dollars=Decimal("0.001"))
    before = ledger.budget("rekognition").spent
    assert ledger.aggregate_entries() == 4
    SpendEntry.objects.create(**kind, calls=1, answered=1, dollars=Decimal("0.001"))
    assert ledger.aggregate_entries() == 1
    assert ledger.aggregate_entries() == 0
    assert ledger.budget("rekognition").spent == before + Decimal("0.001") == Decimal("0.005")
    labels = Spend.objects.get(api="labels")
    assert (labels.calls, labels.answered, labels.dollars) == (7, 4, Decimal("0.004"))
