"""Responses and refusals do not reveal hidden pictures, tags or buckets."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.curation import verdicts
from analysis.models import Image, Label, ModelVersion
from analysis.recognition import registry
from tests.factories import (
    create_analysis,
    create_bucket,
    create_bucket_image,
    create_image,
    create_label,
    create_labeled_image,
)
from tests.web.pages import Page

pytestmark = pytest.mark.django_db


def response_text(browser, action: str, **fields) -> str:
    return Page(browser.post(reverse("bulk", args=[action]), fields, headers={"HX-Request": "true"})).text


@pytest.fixture
def shared(owner):
    """A picture that the stranger sees, next to one with a tag that they do not see."""
    private = create_labeled_image(owner, {"Dog": 90})
    verdicts.add(private.pk, name="secret plans", by_id=owner.pk)
    return create_labeled_image(owner, {"Dog": 90}, visibility=Image.Visibility.SHARED)


def test_hidden_tag_looks_like_a_missing_one(shared, stranger, signed_in):
    browser, own = signed_in(stranger), create_image(stranger)
    secret = create_label("secret plans", kind="tag").pk
    for ids in (str(shared.pk), str(own.pk), f"{shared.pk},{own.pk}"):
        by_name = [
            response_text(browser, "remove-tag", ids=ids, tag=name) for name in ("secret plans", "nothing like it")
        ]
        by_id = [response_text(browser, "remove-tag", ids=ids, label=number) for number in (secret, 10**8)]
        assert len({*by_name, *by_id}) == 1, by_name + by_id
    added = [
        response_text(browser, "add-tag", ids=str(shared.pk), tag=name) for name in ("secret plans", "nothing like it")
    ]
    assert added[0] == added[1]


def test_tag_is_created_with_its_first_picture(shared, stranger, owner, signed_in):
    browser = signed_in(stranger)
    response_text(browser, "add-tag", ids=str(shared.pk), tag="never")
    response_text(browser, "add-tag", ids="999999", tag="never")
    response_text(browser, "add-tag", all="1", q="dog", tag="never")
    response_text(browser, "add-tag", ids=",".join(map(str, range(1, 10_003))), tag="never")
    browser.post(reverse("add-label", args=[shared.pk]), {"name": "never"})
    assert not Label.objects.filter(name="never").exists()
    response_text(signed_in(owner), "add-tag", all="1", q="dog", tag="never")
    assert Label.objects.filter(name="never", kind="tag").exists()


def test_bucket_names_of_others_are_not_searchable(owner, stranger, signed_in):
    image = create_bucket_image(create_bucket(owner, name="merger-2027"), "a.jpg", visibility=Image.Visibility.SHARED)
    for query in ("bucket:merger", "bucket:merger OR name:nothing", "-bucket:other bucket:merger"):
        assert Page(signed_in(stranger).get("/", {"q": query})).cards() == []
        assert Page(signed_in(owner).get("/", {"q": query})).cards() == [image.pk]
    assert Page(signed_in(stranger).get("/", {"q": "-bucket:merger"})).cards() == [image.pk]


@pytest.mark.parametrize("is_own", [True, False])
def test_reused_result_is_explained_to_the_owner_only(is_own, owner, stranger, signed_in, rekognition):
    ModelVersion.objects.create(recognizer="rekognition", api="labels", version="3.0")
    first = create_image(stranger if is_own else owner)
    fields = {"recognizer": "rekognition", "parameters": registry.parameters("labels")}
    create_analysis(first, state="done", **fields)
    again = create_image(stranger, sha256=first.sha256, bucket=create_bucket(stranger))
    browser = signed_in(stranger)
    page = browser.post("/analyze/", {"ids": str(again.pk), "api": "labels"})
    assert [choice.note for choice in page.context["choices"] if choice.is_chosen] == ["1 from cache" if is_own else ""]
    create_analysis(again, state="done", is_reused=True, **fields)
    text = Page(browser.get(reverse("history", args=[again.pk]))).text
    assert ("your other picture with the same file" in text) == is_own
    assert ("same file" in text) == is_own


def test_public_page_does_not_reveal_picture_numbers(owner, nobody):
    image = create_labeled_image(owner, {"Dog": 90}, visibility=Image.Visibility.PUBLIC)
    verdicts.add(image.pk, name="holiday", by_id=owner.pk)
    create_analysis(image, api="faces", state="failed")
    create_analysis(image, api="text", state="queued")
    image.refresh_from_db()
    page = nobody.get(image.get_public_url())
    content = page.content.decode()
    assert (page.status_code, content[content.find("/images/") - 60 :][:120] if "/images/" in content else "") == (
        200,
        "",
    )
    assert nobody.get(image.get_absolute_url()).status_code == 404
    Image.objects.update(visibility=Image.Visibility.SHARED)
    assert nobody.get(image.get_public_url()).status_code == 404
