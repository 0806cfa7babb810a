"""The Grafana dashboard and Prometheus' alert rules name metrics that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

INFRA = Path(__file__).resolve().parent.parent / "infra"
METRIC = re.compile(r"\bimagelib_[a-z_]+")
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
DURATION = re.compile(r"[0-9]+[smh]")


def dashboard() -> dict:
    return json.loads((INFRA / "grafana/dashboard.json").read_text())


def rules() -> list[dict]:
    (group,) = yaml.safe_load((INFRA / "prometheus/alerts.yaml").read_text())["groups"]
    return group["rules"]


def expressions() -> list[str]:
    targets = [target for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    return [target["expr"] for target in targets] + [rule["expr"] for rule in rules()]


@pytest.fixture
def printed(db, settings, rekognition) -> dict[str, tuple[str, ...]]:
    """Names of all samples of /metrics, with the names of their labels."""
    settings.METRICS_TOKEN = "a-token-of-metrics"
    text = Client().get("/metrics", headers={"Authorization": "Bearer a-token-of-metrics"}).content.decode()
    families = list(text_string_to_metric_families(text))
    assert len(families) > 30
    return {f"{family.name}{suffix}" for family in families for suffix in SUFFIXES[family.type]}


def test_each_metric_named_is_printed_and_each_printed_is_shown(printed) -> None:
    named = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert named - printed == set()
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in named}
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in printed} - families == set()


def test_expressions_are_balanced() -> None:
    pairs = {")": "(", "]": "[", "}": "{"}
    for expression in expressions():
        opened: list[str] = []
        for sign in re.sub(r'"[^"]*"', "", expression):
            if sign in pairs.values():
                opened.append(sign)
            elif sign in pairs:
                assert opened.pop() == pairs[sign], expression
        assert opened == [], expression


def test_each_rule_is_complete() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}, rule["alert"]
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "description"}
        assert DURATION.fullmatch(rule.get("for", "1m"))
        assert re.fullmatch(r"Imagelib[A-Z][A-Za-z]+", rule["alert"])


def test_panels_have_their_own_place() -> None:
    taken: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        grid = panel["gridPos"]
        cells = {(grid["x"] + x, grid["y"] + y) for x in range(grid["w"]) for y in range(grid["h"])}
        assert grid["x"] + grid["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
