"""Labels over the API: by file name, corrections, vocabulary."""

from __future__ import annotations

import pytest

from analysis.curation import verdicts
from analysis.models import Image, Label, LabelAlias
from analysis.recognition import label_ancestors
from tests.factories import create_image, create_labeled_image, label_rows

pytestmark = pytest.mark.django_db


def test_labels_by_file_name(api, owner):
    image = create_labeled_image(owner, {"Dog": 99.0, "Pet": 80.5}, filename="dog.jpg")
    answer = api.get("/labels", filename="dog.jpg").json()
    assert answer == {"filename": "dog.jpg", "image_id": image.pk, "labels": ["Dog", "Pet"]}
    answer = api.get("/labels", filename="dog.jpg", confidences="true").json()
    assert answer["labels"] == [{"Name": "Dog", "Confidence": 99.0}, {"Name": "Pet", "Confidence": 80.5}]


def test_of_several_with_one_name_ones_own_comes_first(api, owner, colleague):
    own = create_labeled_image(owner, {"Dog": 99.0}, filename="a.jpg")
    create_labeled_image(colleague, {"Cat": 99.0}, filename="a.jpg", visibility=Image.Visibility.SHARED)
    assert api.get("/labels", filename="a.jpg").json()["image_id"] == own.pk


@pytest.mark.parametrize("filename", ["cat.jpg", "DOG.JPG", "dog.jp", "%", "\x00"])
def test_no_such_file_is_404(filename, api, owner, colleague):
    create_image(owner, filename="dog.jpg")
    create_image(colleague, filename="cat.jpg")
    assert api.get("/labels", filename=filename).status_code == 404


def test_verdicts_hold(api, owner):
    image = create_labeled_image(owner, {"Dog": 99.0, "Cat": 60.0})
    cat = Label.objects.get(name="Cat")
    rejected = api("put", f"/images/{image.pk}/verdicts/{cat.pk}", {"decision": "rejected"})
    assert [label["name"] for label in rejected.json()] == ["Dog"]
    [verdict] = api.get(f"/images/{image.pk}/verdicts").json()
    assert (verdict["label"], verdict["decision"], verdict["by"]) == ("Cat", "rejected", "owner")
    assert api("delete", f"/images/{image.pk}/verdicts/{cat.pk}").status_code == 204
    assert set(label_rows(image)) == {"Dog", "Cat"}


def test_labels_changed_since_they_were_read_stay(api, owner):
    image = create_labeled_image(owner, {"Dog": 99.0, "Cat": 60.0})
    path = f"/images/{image.pk}/labels"
    etag = api.get(path)["ETag"]
    assert api("get", path, headers={"If-None-Match": etag}).status_code == 304
    headers = {"If-Match": etag}
    assert api.post(path, {"name": "Rex"}, headers=headers).status_code == 201
    cat = Label.objects.get(name="Cat").pk
    assert (
        api("put", f"/images/{image.pk}/verdicts/{cat}", {"decision": "rejected"}, headers=headers).status_code == 412
    )
    assert api.post(path, {"name": "Tom"}, headers=headers).status_code == 412
    assert set(label_rows(image)) == {"Dog", "Cat", "Rex"}


@pytest.mark.parametrize("resource", ["labels", "tags"])
def test_tags_are_added_and_taken_off(resource, api, owner):
    image = create_labeled_image(owner, {"Dog": 99.0})
    added = api.post(f"/images/{image.pk}/{resource}", {"name": "Holiday 2026"})
    assert [tag["name"] for tag in api.get(f"/images/{image.pk}/tags").json()] == ["Holiday 2026"]
    assert (added.status_code, added.json()["kind"], added.json()["verdict"]) == (201, "tag", "added")
    assert api("delete", f"/images/{image.pk}/tags/{added.json()['id']}").status_code == 204
    assert api("delete", f"/images/{image.pk}/tags/{added.json()['id']}").status_code == 404
    assert api.post(f"/images/{image.pk}/labels", {"name": " "}).status_code == 409


@pytest.mark.parametrize("resource", ["labels", "tags"])
def test_a_hidden_label_is_not_added(resource, api, owner):
    image = create_labeled_image(owner, {"Dog": 99.0})
    Label.objects.create(name="Secret", kind="tag", is_hidden=True)
    refused = api.post(f"/images/{image.pk}/{resource}", {"name": "secret"})
    assert (refused.status_code, refused.json()["detail"]) == (409, "“secret” is hidden. Choose another name.")
    assert not image.verdicts.exists()


def test_labels_of_other_pictures_cannot_be_tried_out(api, owner, colleague):
    image = create_labeled_image(owner, {"Dog": 99.0})
    verdicts.add(create_image(colleague).pk, name="Secret project", by_id=colleague.pk)
    secret = Label.objects.get(name="Secret project")
    for label_id in (secret.pk, 2**31 - 1):
        response = api("put", f"/images/{image.pk}/verdicts/{label_id}", {"decision": "confirmed"})
        assert response.status_code == 404
    assert api("put", f"/images/{image.pk}/verdicts/{2**40}", {"decision": "confirmed"}).status_code == 422
    assert "Secret project" not in api.get("/labels", search="secret").content.decode()


def test_curators_correct_what_they_see(api_of, owner, colleague):
    from django.contrib.auth.models import Permission

    image = create_labeled_image(owner, {"Dog": 99.0}, visibility=Image.Visibility.SHARED)
    dog, api = Label.objects.get(name="Dog"), api_of(colleague)
    path = f"/images/{image.pk}/verdicts/{dog.pk}"
    assert api("put", path, {"decision": "rejected"}).status_code == 403
    colleague.user_permissions.add(Permission.objects.get(codename="add_verdict"))
    assert api("put", path, {"decision": "rejected"}).status_code == 200


def test_vocabulary_is_read_page_by_page(api, owner):
    create_labeled_image(owner, {"Dog": 99.0, "Cat": 98.0, "Bird": 97.0})
    Label.objects.update(image_count=1)
    animal = Label.objects.create(kind="label", name="Animal", image_count=1)
    Label.objects.get(name="Dog").parents.add(animal)
    names, cursor = [], ""
    while cursor is not None:
        page = api.get("/labels", limit=1, cursor=cursor).json()
        names += [label["name"] for label in page["items"]]
        cursor = page["next"] or None
    assert names == ["Bird", "Cat", "Dog"]
    [dog] = api.get("/labels", parent=animal.pk).json()["items"]
    assert (dog["name"], dog["parents"], dog["image_count"]) == ("Dog", ["Animal"], 1)
    LabelAlias.objects.create(label_id=dog["id"], name="Canine")
    assert [label["name"] for label in api.get("/labels", search="CA").json()["items"]] == ["Cat", "Dog"]


def test_the_tree_is_read_level_by_level(api, api_of, owner, colleague):
    create_labeled_image(owner, {"Animal": 99.0, "Dog": 99.0, "Poodle": 98.0, "Car": 97.0})
    Label.objects.update(image_count=1)
    labels = {label.name: label for label in Label.objects.all()}
    labels["Dog"].parents.add(labels["Animal"])
    labels["Poodle"].parents.add(labels["Dog"])
    label_ancestors.refresh_ancestors()
    [top] = api.get("/labels/tree").json()["items"]
    assert (top["name"], top["has_children"]) == ("Animal", True)
    [dog] = api.get("/labels/tree", parent=top["id"]).json()["items"]
    [poodle] = api.get("/labels/tree", parent=dog["id"]).json()["items"]
    assert (dog["name"], poodle["name"], poodle["has_children"]) == ("Dog", "Poodle", False)
    other = api_of(colleague)
    assert other.get("/labels/tree").json()["items"] == []
    assert other.get("/labels/tree", parent=top["id"]).status_code == 404
