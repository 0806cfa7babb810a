"""Duplicates over the API."""

from __future__ import annotations

import pytest

from analysis.curation import verdicts
from analysis.library.duplicate_flags import mark_all_duplicates
from analysis.models import Image
from tests.factories import create_bucket, create_image, create_labeled_image

pytestmark = pytest.mark.django_db
HASH = 0x0F0F_3333_5555_7171


def copies(owner, number: int = 2) -> list[int]:
    bucket = create_bucket(owner)
    images = [create_image(owner, bucket=bucket, key=f"{i}.jpg", sha256="a" * 64, phash=HASH) for i in range(number)]
    mark_all_duplicates()
    return [image.pk for image in images]


def trashed() -> list[int]:
    return list(Image.objects.exclude(trashed_at=None).order_by("pk").values_list("pk", flat=True))


def test_groups_are_listed_marked_and_undone(api, owner):
    ids = [create_image(owner, phash=HASH).pk for _ in range(2)]
    assert api.get("/duplicates").json() == {"items": [{"image_ids": ids}], "next": ""}
    change = api.post("/duplicates/different", {"image_ids": ids}).json()
    assert (change["action"], change["changed"], change["is_undone"]) == ("distinct", 2, False)
    assert api.get("/duplicates").json()["items"] == []
    undone = api.post(f"/changes/{change['id']}/undo").json()
    assert (undone["restored"], undone["is_undone"]) == (2, True)
    assert len(api.get("/duplicates").json()["items"]) == 1
    assert api.post(f"/changes/{change['id']}/undo").status_code == 409


def test_comparison_names_the_fields_that_differ(api, owner):
    first = create_labeled_image(owner, {"Dog": 90}, filename="a.jpg", width=2400, height=1600)
    second = create_labeled_image(owner, {"Cat": 90}, filename="b.jpg", width=1200, height=800)
    answer = api.get("/duplicates/comparison", first=first.pk, second=second.pk).json()
    assert answer["different"] == ["filename", "width", "height", "labels_only_here"]
    assert (answer["is_exact"], answer["first"]["labels_only_here"]) == (False, ["Dog"])
    assert api.get("/duplicates/comparison", first=first.pk, second=first.pk).status_code == 422
    assert api.get("/duplicates/comparison", first=first.pk, second=10**12).status_code == 404


def test_exact_copies_are_previewed_resolved_and_undone(api, owner):
    ids = copies(owner, 3)
    verdicts.add(ids[1], name="holiday", by_id=owner.pk)
    assert api.get("/duplicates/exact").json() == {
        "items": [{"keep": ids[1], "trash": [ids[0], ids[2]], "kept_for": "edits", "edits": 1}],
        "next": "",
    }
    change = api.post("/duplicates/exact/resolve").json()
    assert (change["action"], change["changed"], change["is_running"]) == ("exact", 2, False)
    assert trashed() == [ids[0], ids[2]]
    assert api.get(f"/changes/{change['id']}").json() == change
    api.post(f"/changes/{change['id']}/undo")
    assert trashed() == []


def test_one_is_kept(api, owner):
    ids = copies(owner, 3)
    assert api.post("/duplicates/keep", {"keep": ids[0], "trash": ids[1:]}).json()["changed"] == 2
    assert trashed() == ids[1:]


def test_others_and_read_tokens_change_nothing(api_of, owner, colleague):
    ids = copies(owner)
    Image.objects.update(visibility=Image.Visibility.PUBLIC)
    other, reader = api_of(colleague), api_of(owner, scopes=["read"])
    bodies = {"/duplicates/keep": {"keep": ids[0], "trash": ids[1:]}, "/duplicates/different": {"image_ids": ids}}
    bodies["/duplicates/exact/resolve"] = None
    assert [other.post(path, body).status_code for path, body in bodies.items()] == [409, 409, 409]
    assert [reader.post(path, body).status_code for path, body in bodies.items()] == [403, 403, 403]
    assert other.get("/duplicates/comparison", first=ids[0], second=ids[1]).status_code == 404
    assert (other.get("/duplicates").json()["items"], other.get("/duplicates/exact").json()["items"]) == ([], [])
    assert trashed() == []


def test_changes_of_others_are_not_there(api, api_of, owner, colleague):
    change = api.post("/duplicates/different", {"image_ids": copies(owner)}).json()
    other = api_of(colleague)
    answers = [other.get(f"/changes/{change['id']}"), other.post(f"/changes/{change['id']}/undo")]
    assert [answer.status_code for answer in answers] == [404, 404]
