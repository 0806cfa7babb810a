"""Deleting pictures in the trash forever over the API."""

from __future__ import annotations

import pytest

from analysis import tasks
from analysis.curation import trash
from analysis.models import AuditEntry, Image, TrashDeletion
from tests.factories import create_image

pytestmark = pytest.mark.django_db
URL = "/trash/deletions"


@pytest.fixture
def trashed(owner) -> list[int]:
    ids = [create_image(owner).pk for _ in range(3)]
    trash.trash(ids)
    return ids


def test_chosen_pictures_are_deleted_after_their_number_was_confirmed(api, owner, trashed):
    kept = create_image(owner).pk
    answer = api.post(URL, {"image_ids": [*trashed[:2], trashed[0], kept], "confirm": 2})
    assert (answer.status_code, answer.json()["state"], answer.json()["total"]) == (202, "open", 2)
    tasks.delete_trash(deletion_id=answer.json()["id"])
    found = api.get(f"{URL}/{answer.json()['id']}").json()
    assert (found["state"], found["deleted"]) == ("done", 2)
    assert set(Image.objects.values_list("pk", flat=True)) == {trashed[2], kept}
    entry = AuditEntry.objects.get(action=AuditEntry.Action.DELETE)
    assert (entry.actor_id, entry.source) == (owner.pk, "api")


def test_another_number_deletes_nothing(api, trashed):
    answer = api.post(URL, {"all": True, "confirm": 2})
    assert (answer.status_code, answer.json()["detail"]) == (409, "Incorrect number. Type 3 to confirm.")
    assert not TrashDeletion.objects.exists()
    assert api.post(URL, {"all": True, "confirm": 3}).json()["total"] == 3


@pytest.mark.parametrize(
    "body", [{"confirm": 1}, {"image_ids": [1], "all": True, "confirm": 1}, {"all": True}, {"all": True, "confirm": 0}]
)
def test_unclear_requests_are_refused(body, api, trashed):
    assert api.post(URL, body).status_code == 422
    assert not TrashDeletion.objects.exists()


def test_nobody_empties_the_trash_of_others(api_of, colleague, trashed):
    other = api_of(colleague)
    assert other.post(URL, {"image_ids": trashed, "confirm": 3}).status_code == 409
    deletion = TrashDeletion.objects.create(owner_id=1, trashed_until="2026-01-01T00:00Z")
    assert other.get(f"{URL}/{deletion.pk}").status_code == 404
    assert other.post(f"{URL}/{deletion.pk}/cancel").status_code == 404


def test_tokens_without_the_scope_cannot_delete(api_of, owner, trashed):
    writer = api_of(owner, scopes=["read", "write", "analyze", "admin"])
    assert writer.post(URL, {"all": True, "confirm": 3}).status_code == 403


def test_a_deletion_is_canceled_once(api, trashed):
    found = api.post(URL, {"all": True, "confirm": 3}).json()
    assert api.post(f"{URL}/{found['id']}/cancel").json()["state"] == "canceled"
    assert api.post(f"{URL}/{found['id']}/cancel").status_code == 409
    tasks.delete_trash(deletion_id=found["id"])
    assert Image.objects.count() == 3
