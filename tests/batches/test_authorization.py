"""A run's person may lose the right to it, and has their own budget."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from analysis import pipeline
from analysis.batches import authorization, lifecycle, queueing, selection
from analysis.batches.estimate import estimate, warnings
from analysis.batches.options import build_batch
from analysis.models import Analysis, Batch
from analysis.recognition import claims
from tests.factories import create_image

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def paid(rekognition, settings):
    settings.RECOGNIZER_APIS = ["labels"]


@pytest.fixture
def clerk(colleague):
    colleague.is_staff = True
    colleague.save()
    colleague.user_permissions.add(*Permission.objects.filter(codename__in=["add_batch", "view_image"]))
    return colleague


def test_run_over_all_owners_pauses_when_its_user_loses_permission(owner, clerk):
    create_image(owner)
    batch = build_batch(person_id=clerk.pk, all_owners=True)
    pipeline.run_batch(batch)
    clerk.user_permissions.clear()
    assert queueing.queue_next(batch.pk) == []
    lifecycle.advance_batches()
    batch.refresh_from_db()
    sentence = "colleague can't analyze other people's pictures. Ask an administrator for access."
    assert (batch.state, batch.reason) == ("paused", sentence)
    with pytest.raises(authorization.NotAllowed, match="can't analyze other"):
        pipeline.resume_batch(batch.pk)
    assert Analysis.objects.count() == 0


@pytest.mark.parametrize("lost", ["account", "group"])
def test_own_run_pauses_when_its_user_is_disabled_or_view_only(lost, owner):
    create_image(owner)
    batch = build_batch(person_id=owner.pk)
    pipeline.run_batch(batch)
    if lost == "account":
        owner.is_active = False
        owner.save()
    else:
        owner.groups.add(Group.objects.get_or_create(name="viewer")[0])
    lifecycle.advance_batches()
    batch.refresh_from_db()
    assert (batch.state, bool(batch.reason)) == ("paused", True)


@pytest.mark.parametrize("is_everybody", [True, False])
def test_run_of_a_deleted_account_is_canceled(owner, clerk, is_everybody):
    create_image(owner)
    batch = build_batch(person_id=clerk.pk, all_owners=is_everybody)
    pipeline.run_batch(batch)
    queueing.queue_next(batch.pk)
    clerk.delete()
    create_image(owner)
    assert queueing.queue_next(batch.pk) == (["labels"] if is_everybody else [])  # queued before
    assert Analysis.objects.count() == is_everybody
    lifecycle.advance_batches()
    batch.refresh_from_db()
    sentence = "The account that started this run was deleted. Start another run."
    assert (batch.state, batch.reason, batch.all_owners) == ("cancelled", sentence, is_everybody)
    assert Analysis.objects.count() == 0


def test_paused_run_of_a_deleted_account_cannot_be_resumed(owner, clerk):
    create_image(owner)
    batch = build_batch(person_id=clerk.pk, all_owners=True)
    pipeline.run_batch(batch)
    lifecycle.pause(batch.pk)
    clerk.delete()
    with pytest.raises(authorization.NotAllowed, match="was deleted"):
        pipeline.resume_batch(batch.pk)
    assert selection.next_page(Batch.objects.get(), cursor="").image_ids == []


def test_run_from_the_shell_has_no_limits(owner):
    create_image(owner)
    batch = build_batch(all_owners=True)
    pipeline.run_batch(batch)
    assert queueing.queue_next(batch.pk) == ["labels"]
    lifecycle.advance_batches()
    batch.refresh_from_db()
    assert (batch.state, batch.is_orphaned) == ("running", False)


def test_api_not_enabled_requires_permission_to_start_runs(owner, clerk):
    with pytest.raises(authorization.NotAllowed, match="Not enabled: Faces"):
        pipeline.run_batch(build_batch(person_id=owner.pk, apis=["faces"]))
    pipeline.run_batch(build_batch(person_id=clerk.pk, apis=["faces"]))
    pipeline.run_batch(build_batch(apis=["faces"]))  # from the shell
    assert Batch.objects.count() == 2


def test_runs_of_one_user_share_their_monthly_budget(owner, colleague, settings):
    settings.PERSON_MONTHLY_BUDGET = Decimal("0.008")
    spent = {"person": owner, "recognizer": "rekognition", "state": "done", "dollars": Decimal("0.004")}
    Batch.objects.create(**spent, finished_at=timezone.now())
    Batch.objects.create(**spent, finished_at=timezone.now() - timedelta(days=40))
    for person in (owner, owner, colleague):
        image = create_image(person)
        more = [image, *(create_image(person) for _ in range(2))]
        batch = build_batch(person_id=person.pk, uses_id_list=True)
        assert (
            "Your budget for this month has" in " ".join(warnings(batch, estimate(build_batch(person_id=person.pk))))
        ) == (person == owner)
        pipeline.run_batch(batch, named=[image.pk for image in more])
        queueing.queue_next(batch.pk)
    price = Decimal("0.00175") if settings.IMAGE_PROPERTIES else Decimal("0.001")
    claimed = claims.claim("rekognition", "labels", maximum=100, region="eu-central-1")
    by_owner = [analysis for analysis in claimed if analysis.image.owner_id == owner.pk]
    assert len(by_owner) == int(Decimal("0.004") // max(analysis.price for analysis in claimed)) > 0, price
    assert len(claimed) - len(by_owner) == 3


def test_run_stops_with_the_name_of_the_user_whose_budget_is_spent(owner, settings):
    settings.PERSON_MONTHLY_BUDGET = Decimal("0.001")
    create_image(owner)
    batch = build_batch(person_id=owner.pk)
    pipeline.run_batch(batch)
    queueing.queue_next(batch.pk)
    lifecycle.advance_batches()
    batch.refresh_from_db()
    assert batch.state == "stopped"
    assert batch.reason.startswith("owner's budget for bulk runs this month")
