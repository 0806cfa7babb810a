"""Status of every address for staff without rights, and with each single one."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.auth.models import Permission
from django.test import Client

from analysis.models import Bucket, Collection, Image, ShareLink
from analysis.permissions import Codename
from tests.factories import create_user
from tests.web.shared_rows import *
from tests.web.shared_rows import client_with, session_of
from tests.web.test_every_url import ENTRIES, PRIVATE, address, outcome

pytestmark = pytest.mark.django_db

SEES = {Codename.VIEW_IMAGE: 200, Codename.CHANGE_IMAGE: 200}
SEES_ONLY = {Codename.VIEW_IMAGE: 403, Codename.CHANGE_IMAGE: 403}
OPENED: dict[str, dict[Codename, int]] = {
    **dict.fromkeys(("image", "image-panel", "image-similar", "image-zoom", "original", "rendition"), SEES),
    **dict.fromkeys(("history", "analysis-response", "analysis-pin", "retry"), SEES_ONLY),
    **dict.fromkeys(("image-verdict", "add-label", "remove-tag", "image-undo"), SEES_ONLY),
    **dict.fromkeys(("image-visibility", "image-trash", "restore", "image-details", "image-rotate"), SEES_ONLY),
    "image-rating": {Codename.VIEW_IMAGE: 302, Codename.CHANGE_IMAGE: 302},  # favorites and stars are everyone's own
    "bucket": {Codename.VIEW_BUCKET: 200, Codename.CHANGE_BUCKET: 200, Codename.DELETE_BUCKET: 200},
    "bucket-sync": {Codename.VIEW_BUCKET: 403, Codename.CHANGE_BUCKET: 302, Codename.DELETE_BUCKET: 403},
    "bucket-edit": {Codename.CHANGE_BUCKET: 200},
    "bucket-remove": {Codename.DELETE_BUCKET: 302},
    "bucket-add": {Codename.ADD_BUCKET: 200},
    "batch": {Codename.VIEW_BATCH: 200, Codename.CHANGE_BATCH: 200},
    "batch-action": {Codename.VIEW_BATCH: 403, Codename.CHANGE_BATCH: 302},
    "system": {Codename.VIEW_SYSTEM: 200},
    "welcome": {Codename.VIEW_SYSTEM: 200},
    "welcome-dismiss": {Codename.VIEW_SYSTEM: 302},
    **{key: {Codename.VIEW_AUDIT_LOG: 200} for key in ("audit-log", "audit-log-csv", "audit-entry", "audit-entry-csv")},
    **{name: {Codename.CHANGE_SINK: 200} for name in ("sinks", "sink-channels", "sink-add")},
    **{name: {Codename.CHANGE_SINK: 200} for name in ("sink", "sink-edit", "sink-dry-run")},
    "sink-action": {Codename.CHANGE_SINK: 302},
    "admin-sign-in": dict.fromkeys(Codename, 302),
}
"""What staff with one right get where a person without any gets something else."""


def with_rights(*rights: Codename):
    person = create_user(is_staff=True)
    person.user_permissions.add(*Permission.objects.filter(codename__in=rights, content_type__app_label="analysis"))
    return person


@pytest.fixture(scope="module")
def sessions_by_rights(module_rows):
    """For each right and for none."""
    with module_rows():
        return {rights: session_of(with_rights(*rights)) for rights in [(), *((right,) for right in Codename)]}


@pytest.fixture
def staff_with(sessions_by_rights):
    def browser(*rights: Codename) -> Client:
        cookies = sessions_by_rights.get(rights) or session_of(with_rights(*rights))
        return client_with(cookies)

    return browser


def test_each_right_is_a_permission():
    codenames = Permission.objects.filter(content_type__app_label="analysis").values_list("codename", flat=True)
    assert set(Codename) <= set(codenames)


@pytest.mark.parametrize("name", [name for name in ENTRIES if name not in {"login", "logout", "invitation"}])
def test_each_right_opens_only_its_own_pages(name, image, stranger, signed_in, staff_with):
    method, expected = ENTRIES[name]

    def got(browser) -> int | str:
        return outcome(getattr(browser, method)(address(name, image)))

    ordinary = expected[PRIVATE][2]
    assert got(staff_with()) == ordinary
    expected_rights = OPENED.get(name, {})
    others = [right for right in Codename if right not in expected_rights]
    # All of them at once open nothing, so none of them does alone. Only what needs two rights is tried one by one.
    to_try = expected_rights if got(staff_with(*others)) == ordinary else Codename
    assert {right: status for right in to_try if (status := got(staff_with(right))) != ordinary} == expected_rights


def test_menu_offers_only_permitted_pages(image, staff_with):
    page = staff_with().get("/").content.decode()
    assert "/system/" not in page
    assert "/admin/" not in page
    page = staff_with(*Codename).get("/").content.decode()
    assert "/system/" in page
    assert "/admin/" in page


def test_analyzing_all_pictures_needs_both_rights(image, staff_with, owner):
    image.analyses.all().delete()

    def counted(*rights: Codename) -> str:
        return staff_with(*rights).get("/analyze/", {"everybody": "1", "api": "faces"}).context["totals"][0]

    assert [counted(), counted(Codename.ADD_BATCH), counted(Codename.VIEW_IMAGE)] == ["0 pictures"] * 3
    assert counted(Codename.ADD_BATCH, Codename.VIEW_IMAGE) == "1 picture"


@pytest.mark.parametrize(("prefix", "is_refused"), [("", True), ("2024/a/", True), ("2024/", True), ("2025/", False)])
def test_overlapping_bucket_of_another_owner_is_refused(prefix, is_refused, image, colleague, staff_with):
    Bucket.objects.update(prefix="2024/")
    form = {"name": "photos", "prefix": prefix, "owner": colleague.pk, "visibility": 0, "anyway": "on"}
    answer = staff_with(Codename.ADD_BUCKET).post("/buckets/add/", form)
    assert (answer.status_code == 422, Bucket.objects.count()) == (is_refused, 1 if is_refused else 2)
    if is_refused:
        assert "overlaps a bucket of another owner" in answer.content.decode()
    own = form | {"owner": image.owner.pk, "prefix": "2024/more/"}
    assert staff_with(Codename.ADD_BUCKET).post("/buckets/add/", own).status_code == 302


@pytest.mark.usefixtures("image", "rekognition")
@pytest.mark.parametrize("may_choose", [True, False])
@pytest.mark.parametrize("path", ["/buckets/add/", "/admin/analysis/bucket/add/"])
def test_bucket_gets_no_api_that_is_not_enabled(path, may_choose, colleague, staff_with, settings):
    settings.RECOGNIZER_APIS = ["labels"]
    is_page = path == "/buckets/add/"
    form = {"name": "holidays", "owner": colleague.pk, "visibility": 0, "anyway": "on"}
    browser = staff_with(Codename.ADD_BUCKET, *([Codename.ADD_BATCH] if may_choose else []))
    browser.post(path, form | {"apis": ["labels", "faces"] if is_page else "labels,faces"})
    assert Bucket.objects.filter(name="holidays").exists() == may_choose
    browser.post(path, form | {"name": "others", "apis": "labels"})
    assert Bucket.objects.get(name="others").apis == ["labels"]


def test_admin_shows_roles_of_buckets_to_those_who_set_them(image, staff_with):
    Bucket.objects.update(role_arn="arn:aws:iam::123456789012:role/reader")
    bucket = Bucket.objects.get()
    seen = {}
    for right in (Codename.VIEW_BUCKET, Codename.DELETE_BUCKET, Codename.CHANGE_BUCKET):
        rights = {Codename.VIEW_BUCKET, right}
        page = staff_with(*rights).get(f"/admin/analysis/bucket/{bucket.pk}/change/").content.decode()
        seen[right] = (bucket.external_id in page, bucket.role_arn in page)
    assert seen == {
        Codename.VIEW_BUCKET: (False, False),
        Codename.DELETE_BUCKET: (False, False),
        Codename.CHANGE_BUCKET: (True, True),
    }


def test_changing_collections_alone_opens_no_private_pictures(image, owner):
    collection = Collection.objects.get(owner=owner, name="Dogs")
    path, form = f"/admin/analysis/collection/{collection.pk}/change/", {"name": "Cats", "description": ""}
    for codenames, is_opened in ((["change_collection"], False), (["change_collection", "view_image"], True)):
        person = create_user(is_staff=True)
        person.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
        browser = client_with(session_of(person))
        browser.post(path, form | {"is_shared": "on", "shares_private": "on"})
        collection.refresh_from_db()
        assert (collection.name, collection.is_shared, collection.shares_private) == ("Cats", is_opened, is_opened)
        shown = browser.get(address("collection-image", image))
        assert shown.status_code == (200 if is_opened else 404)


def test_refused_change_names_the_reason(image, stranger, signed_in):
    Image.objects.update(visibility=Image.Visibility.SHARED)
    browser = signed_in(stranger)
    answer = browser.post(address("image-visibility", image), {"visibility": "0"})
    assert (answer.status_code, "Only its owner can do this." in answer.content.decode()) == (403, True)
    part = browser.post(address("image-visibility", image), {"visibility": "0"}, headers={"HX-Request": "true"})
    assert (part.status_code, "Only its owner can do this." in part.content.decode()) == (200, True)


@pytest.mark.parametrize(
    ("model", "column", "rights", "is_refused"),
    [
        (ShareLink, "token", ["view_sharelink"], True),
        (ShareLink, "password", ["view_sharelink"], True),
        (Bucket, "external_id", ["view_bucket"], True),
        (Bucket, "role_arn", ["view_bucket"], True),
        (Bucket, "external_id", ["view_bucket", "change_bucket"], False),
    ],
)
def test_admin_does_not_tell_by_its_filters_what_it_hides(model, column, rights, is_refused, rf):
    person = create_user(is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=rights))
    request = rf.get("/", {f"{column}__startswith": "a"})
    request.user = person
    with pytest.raises(DisallowedModelAdminLookup) if is_refused else nullcontext():
        admin.site.get_model_admin(model).get_changelist_instance(request)
