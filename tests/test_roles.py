"""Permissions of the four groups."""

import html
import re
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.urls import reverse

from analysis import permissions, pipeline
from analysis.admin import sidebar
from analysis.curation import bulk, bulk_steps
from analysis.curation.bulk import Selection
from analysis.models import BulkChange, IdempotentRequest, Image, Verdict
from analysis.search.syntax.parser import parse
from imagelib.accounts.models import User
from tests.factories import create_image, create_label, create_labeled_image, create_user

pytestmark = pytest.mark.django_db
STAFFS_WORDS = {
    "image": "change a picture's owner, title and visibility",
    "label": "add, change, hide and merge labels",
    "labelalias": "edit their aliases",
    "verdict": "correct the labels of pictures",
    "savedsearch": "saved searches",
    "collection": "change and delete collections",
    "sharelink": "revoke share links",
    "batch": "start, pause, resume and cancel bulk runs",
    "outage": "probe an API during an outage",
    "bucket": "add, change and sync buckets",
}
"""What docs/operations.md says of each table that the group staff may write."""
NOT_STAFFS = (
    IdempotentRequest,
    *(item.model for section in sidebar.SECTIONS if section.title == "Access" for item in section.items),
)
STAFFS = [item.model for section in sidebar.SECTIONS for item in section.items if item.model not in NOT_STAFFS]


@pytest.fixture
def in_group():
    """Makes a person in a group; creates the groups, as other tests empty the tables."""
    staff = import_module("analysis.migrations.0002_index_columns_and_groups")
    staff.create_groups(apps, SimpleNamespace(connection=connection))
    audit_log = import_module("analysis.migrations.0019_audit_log_and_trash")
    audit_log.add_permissions(apps, SimpleNamespace(connection=connection))
    sinks = import_module("analysis.migrations.0026_staff_manage_sinks")
    sinks.add_permissions(apps, SimpleNamespace(connection=connection))
    later = import_module("analysis.migrations.0020_collections_and_share_links")
    later.add_permissions(apps, SimpleNamespace(connection=connection))

    def person(name, **fields):
        made = create_user(f"the-{name}", **fields)
        made.groups.add(Group.objects.get(name=name))
        return made

    return person


@pytest.fixture
def clerk(in_group):
    """Staff without being a superuser."""
    return in_group("staff", is_staff=True)


def address(model, page="changelist", *arguments):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def test_groups_exist(in_group):
    assert sorted(Group.objects.values_list("name", flat=True)) == ["curator", "owner", "staff", "viewer"]


def test_groups_are_documented(in_group):
    text = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    section = text.partition("## Users and permissions")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(
        Group.objects.values_list("name", flat=True)
    )
    for model, verbs in import_module("analysis.migrations.0002_index_columns_and_groups").WRITTEN.items():
        assert STAFFS_WORDS[model] in " ".join(section.split()), (model, verbs)


def test_permissions_of_each_group(owner, in_group):
    image = create_image(owner, visibility=1)
    rights = {
        name: (
            permissions.can_upload_images(person),
            permissions.can_review_labels(person, image),
            permissions.can_edit_image(person, image),
            permissions.can_view_all_images(person),
        )
        for name, person in {
            **{name: in_group(name) for name in ("viewer", "curator", "owner")},
            "staff": in_group("staff", is_staff=True),
            "in no group": create_user(),
            "the picture's owner": owner,
        }.items()
    }
    assert rights == {  # import, correct labels, change, see everything
        "viewer": (False, False, False, False),
        "curator": (False, True, False, False),
        "owner": (True, False, False, False),
        "staff": (True, True, False, True),
        "in no group": (True, False, False, False),
        "the picture's owner": (True, True, True, False),
    }


@pytest.mark.parametrize("name", ["viewer", "curator", "owner"])
def test_only_staff_see_private_pictures_and_the_admin(name, owner, in_group, signed_in):
    private, browser = create_labeled_image(owner, {"Dog": 90}), signed_in(in_group(name))
    assert browser.get(private.get_absolute_url()).status_code == 404
    assert browser.get(reverse("library"), {"q": "dog"}).content.decode().count("/images/") == 0
    assert {browser.get(address(model)).status_code for model in admin.site._registry} == {302}


@pytest.mark.parametrize("name", ["viewer", "curator"])
def test_viewers_and_curators_cannot_upload(name, in_group, signed_in):
    browser = signed_in(in_group(name))
    for answer in (browser.get(reverse("upload")), browser.post(reverse("upload")), browser.post(reverse("uploads"))):
        assert answer.status_code == 403
        assert str(permissions.VIEW_ONLY_MESSAGE) in answer.content.decode()


def test_curator_corrects_labels_of_shared_pictures_only(owner, in_group, signed_in):
    shared, private = create_labeled_image(owner, {"Dog": 90}, visibility=1), create_labeled_image(owner, {"Dog": 90})
    browser = signed_in(in_group("curator"))
    dog = create_label("Dog").pk

    def post(url_name, image, **fields):
        return browser.post(reverse(url_name, args=[image.pk]), fields).status_code

    assert post("image-verdict", private, reject=dog) == 404
    assert post("image-verdict", shared, reject=dog) == 302
    assert post("add-label", shared, name="holiday") == 302
    assert post("remove-tag", shared, tag=create_label("holiday", kind="tag").pk) == 302
    assert list(Verdict.objects.values_list("image", "label__name", "decision")) == [(shared.pk, "Dog", "rejected")]
    assert [post("image-visibility", shared, visibility="2"), post("image-trash", shared), post("retry", shared)] == [
        403,
        403,
        403,
    ]


def test_viewer_cannot_review_labels(owner, in_group, signed_in):
    shared = create_labeled_image(owner, {"Dog": 90}, visibility=1)
    answer = signed_in(in_group("viewer")).post(
        reverse("image-verdict", args=[shared.pk]), {"reject": create_label("Dog").pk}
    )
    assert (answer.status_code, Verdict.objects.count()) == (403, 0)
    assert str(permissions.NOT_CURATOR_MESSAGE) in html.unescape(answer.content.decode())


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=str), ids=str)
def test_staff_group_opens_its_admin_pages_only(model, clerk, signed_in):
    may = model in STAFFS
    browser = signed_in(clerk)
    assert browser.get(address(model)).status_code == (200 if may else 403)
    assert (address(model) in browser.get(reverse("admin:index")).content.decode()) == may


def test_staff_see_all_pictures_and_the_trash(owner, clerk, signed_in):
    image = create_labeled_image(owner, {"Dog": 90})
    browser = signed_in(clerk)
    assert browser.get(image.get_absolute_url()).status_code == 200
    assert browser.get(reverse("library"), {"q": "dog"}).content.decode().count("/images/") == 0
    sent = {"_selected_action": [image.pk]}
    for action, fields in (("open_to", {"visibility": "1"}), ("add_tag", {"tag": "seen"}), ("trash", {})):
        browser.post(address(Image), {**sent, "action": action, "confirmed": "yes", **fields})
    image.refresh_from_db()
    assert (image.visibility, image.trashed_at is None) == (1, False)


def test_staff_without_permissions_can_do_nothing(signed_in):
    browser = signed_in(create_user("intern", is_staff=True))
    pages = [browser.get(address(model), follow=True) for model in admin.site._registry]
    assert {page.status_code for page in pages} == {403}
    assert {"a staff account without permissions" in page.content.decode() for page in pages} == {True}


def test_group_alone_does_not_open_the_admin(in_group, signed_in):
    assert signed_in(in_group("staff")).get(address(Image)).status_code == 302


PRIVILEGES = ("is_superuser", "is_staff", "groups", "user_permissions")


@pytest.fixture
def registrar(in_group):
    """Staff who may add and change people, and groups."""
    person = create_user("registrar", is_staff=True)
    person.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="accounts", codename__endswith="_user"),
        *Permission.objects.filter(content_type__app_label="auth", codename__endswith="_group"),
    )
    return person


def test_registrar_cannot_grant_privileges(registrar, owner, signed_in):
    browser = signed_in(registrar)
    fields = {"is_superuser": "on", "is_staff": "on", "is_active": "on", "groups": [Group.objects.get(name="staff").pk]}
    for person in (registrar, owner):
        was = (person.is_superuser, person.is_staff)
        form = browser.get(address(User, "change", person.pk)).content.decode()
        assert [name for name in PRIVILEGES if f'name="{name}"' in form] == []
        answer = browser.post(
            address(User, "change", person.pk),
            {
                "username": person.username,
                "theme": person.theme,
                "date_joined_0": "2026-01-01",
                "date_joined_1": "12:00",
                **fields,
            },
        )
        person.refresh_from_db()
        assert (answer.status_code, person.is_superuser, person.is_staff) == (302, *was)
        assert not person.groups.exists()


def test_registrar_cannot_set_passwords_of_staff(registrar, clerk, owner, staff, signed_in):
    browser = signed_in(registrar)
    word = {"password1": "correct horse 7", "password2": "correct horse 7", "usable_password": "true"}
    for person, status in ((staff, 403), (clerk, 403), (owner, 302)):
        page = reverse("admin:auth_user_password_change", args=[person.pk])
        assert browser.post(page, word).status_code == status
        assert browser.post(address(User, "delete", person.pk), {"post": "yes"}).status_code == status
    assert set(User.objects.filter(is_staff=True)) == {registrar, clerk, staff}


def test_registrar_cannot_change_group_permissions(registrar, signed_in):
    group, right = Group.objects.get(name="viewer"), Permission.objects.get(codename="view_image")
    signed_in(registrar).post(address(Group, "change", group.pk), {"name": "viewer", "permissions": [right.pk]})
    assert not group.permissions.exists()


def test_registrar_cannot_delete_a_group_or_many_staff_at_once(registrar, clerk, staff, signed_in):
    browser, group = signed_in(registrar), Group.objects.get(name="viewer")
    assert browser.post(address(Group, "delete", group.pk), {"post": "yes"}).status_code == 403
    for model, pks in ((Group, [group.pk]), (User, [staff.pk, clerk.pk])):
        chosen = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
        browser.post(reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist"), chosen)
    assert Group.objects.filter(pk=group.pk).exists()
    assert set(User.objects.filter(is_staff=True)) == {registrar, clerk, staff}


def test_background_change_stops_when_the_right_is_lost(owner, clerk):
    images = [create_labeled_image(owner, {"Dog": 90}) for _ in range(2)]
    everyone = Selection(clerk, query=parse("dog"), all_owners=True)
    done = bulk.apply(everyone, BulkChange.Action.OPEN_TO, visibility=1)
    change = pipeline.start_bulk_change(everyone, BulkChange.Action.TRASH)
    assert done.number == 2
    clerk.groups.clear()
    bulk_steps.continue_change(change.pk)
    change.refresh_from_db()
    assert (change.number, change.is_open) == (0, False)
    assert pipeline.undo(done.pk, by=clerk, at_once=10).number == 0
    assert set(Image.objects.values_list("visibility", "trashed_at")) == {(1, None)}
    assert len(images) == 2


def test_curator_reviews_many_visible_pictures_at_once(owner, in_group):
    shared, private = create_labeled_image(owner, {"Dog": 90}, visibility=1), create_labeled_image(owner, {"Dog": 90})
    curator = in_group("curator")
    seen = Selection(curator, ids=(shared.pk, private.pk))
    change = bulk.apply(seen, BulkChange.Action.REJECT, label=create_label("Dog"))
    assert (change.number, change.refused) == (1, 1)
    assert bulk.undo(change.pk, by=curator).number == 1
    assert bulk.apply(seen, BulkChange.Action.TRASH).refused == 2


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("viewer", set()),
        ("curator", {"add-tag"}),
        ("owner", {"add-tag", "trash", "set-visibility", "analyze", "upload"}),
    ],
)
def test_pages_offer_only_permitted_actions(name, offered, owner, in_group, signed_in):
    person = in_group(name)
    if name == "owner":
        create_image(person)
    shared = create_image(owner, visibility=1)
    browser = signed_in(person)
    page = browser.get("/").content.decode()
    actions = {"add-tag", "trash", "set-visibility"}
    seen = {action for action in actions if f'formaction="/bulk/{action}/"' in page}
    seen |= {action for action in ("analyze", "upload") if f'"/{action}/"' in page}
    assert seen == offered
    page = browser.get(shared.get_absolute_url()).content.decode()
    assert [name for name in ("trash", "visibility", "restore") if f"/images/{shared.pk}/{name}/" in page] == []


def test_verdict_on_a_hidden_picture_is_refused(owner, signed_in):
    private, shared = create_labeled_image(owner, {"Dog": 90}), create_labeled_image(owner, {"Dog": 90}, visibility=1)
    person = create_user("helper", is_staff=True)
    person.user_permissions.add(*Permission.objects.filter(codename__in=["add_verdict", "view_verdict"]))
    browser = signed_in(person)
    fields = {"label": create_label("Dog").pk, "decision": "rejected"}
    browser.post(address(Verdict, "add"), {**fields, "image": private.pk})
    assert not Verdict.objects.exists()
    browser.post(address(Verdict, "add"), {**fields, "image": shared.pk})
    assert Verdict.objects.get().image_id == shared.pk
    Image.objects.update(visibility=0)
    assert shared.filename not in browser.get(address(Verdict)).content.decode()
