"""compose.yaml and the Kubernetes example are valid and fit the image."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml
from django.conf import settings
from django.db import connection
from django.utils import timezone

from tests.factories import create_analysis, create_image

ROOT = Path(__file__).resolve().parent.parent.parent
KUBERNETES = "1.37"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SETTINGS = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs/settings.md").read_text()))
MANIFESTS = {
    f"{path.stem}-{document['kind']}-{document['metadata']['name']}": document
    for path in sorted((ROOT / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
}
KEDA = {name: manifest for name, manifest in MANIFESTS.items() if manifest["apiVersion"].startswith("keda.sh/")}
PODS = {
    name: manifest["spec"]["template"]["spec"]
    for name, manifest in MANIFESTS.items()
    if manifest["kind"] in {"Deployment", "Job"}
}
OURS = {name: service for name, service in COMPOSE["services"].items() if "imagelib" in service["image"]}


def test_compose_follows_its_schema():
    schema = json.loads(files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text())
    # The validator of the schema's own draft knows no remote references, and needs none.
    jsonschema.validators.validator_for(schema)(schema).validate(COMPOSE)


def test_every_service_waits_for_servers_and_migrations():
    assert sorted(OURS) == ["beat", "consumer", "migrate", "web", "worker"]
    for name, service in OURS.items():
        conditions = {other: dependency["condition"] for other, dependency in service["depends_on"].items()}
        expected = {"database": "service_healthy", "valkey": "service_healthy"}
        expected["migrate"] = "service_completed_successfully"
        assert conditions == ({"database": "service_healthy"} if name == "migrate" else expected)
        assert (service["command"], service["read_only"], service["cap_drop"]) == ([name], True, ["ALL"])
    for name in ("database", "valkey", "minio"):
        assert "healthcheck" in COMPOSE["services"][name]


def test_compose_publishes_the_web_server_to_this_machine_only():
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:${PORT:-8000}:8000"]}
    assert set(OURS["web"]["environment"]) <= SETTINGS


@pytest.mark.parametrize("name", sorted(set(MANIFESTS) - set(KEDA)))
def test_manifests_follow_the_schemas_of_kubernetes(name):
    kubernetes_validate.validate(MANIFESTS[name], KUBERNETES, strict=True)


@pytest.mark.parametrize("name", sorted(PODS))
def test_pods_may_write_their_volumes_alone(name):
    pod = PODS[name]
    [container] = pod["containers"]
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/var/lib/imagelib", "/tmp"}
    assert {"memory"} == set(container["resources"]["limits"])
    assert ("livenessProbe" in container) == (container["name"] != "migrate")


def test_there_is_one_scheduler_and_it_is_replaced_not_doubled():
    spec = MANIFESTS["beat-Deployment-imagelib-beat"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_the_settings_of_the_example_exist():
    config = MANIFESTS["config-ConfigMap-imagelib"]["data"]
    secret = MANIFESTS["secret.example-Secret-imagelib"]["stringData"]
    assert (set(config) | set(secret)) - {"REDIS_ADDRESS"} <= SETTINGS


def test_what_scales_is_there_and_follows_our_queue():
    deployments = {manifest["metadata"]["name"] for manifest in MANIFESTS.values() if manifest["kind"] == "Deployment"}
    scaled = [manifest["spec"] for manifest in KEDA.values() if manifest["kind"] == "ScaledObject"]
    assert {spec["scaleTargetRef"]["name"] for spec in scaled} | {"imagelib-web", "imagelib-beat"} == deployments
    authentications = {manifest["metadata"]["name"] for manifest in KEDA.values()}
    triggers = {trigger["type"]: trigger for spec in scaled for trigger in spec["triggers"]}
    assert {trigger["authenticationRef"]["name"] for trigger in triggers.values()} <= authentications
    assert triggers["redis"]["metadata"]["listName"] == settings.CELERY_TASK_DEFAULT_QUEUE
    keys = MANIFESTS["autoscaling-TriggerAuthentication-imagelib"]["spec"]["secretTargetRef"]
    assert {key["key"] for key in keys} <= set(MANIFESTS["secret.example-Secret-imagelib"]["stringData"])


@pytest.mark.django_db
def test_the_query_that_scales_counts_analyses_that_are_due(owner):
    triggers = MANIFESTS["autoscaling-ScaledObject-imagelib-worker"]["spec"]["triggers"]
    [query] = [trigger["metadata"]["query"] for trigger in triggers if trigger["type"] == "postgresql"]
    image = create_image(owner)
    past, future = timezone.now() - timedelta(hours=1), timezone.now() + timedelta(hours=1)
    for api, state, at in (("labels", "queued", past), ("text", "queued", future), ("faces", "done", past)):
        create_analysis(image, api=api, state=state, next_attempt_at=at)
    with connection.cursor() as cursor:
        cursor.execute(query)
        assert cursor.fetchone() == (1,)
