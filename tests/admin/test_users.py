"""User forms: roles first, permissions under Advanced."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from analysis.models import AuditEntry
from imagelib.accounts import user_management
from imagelib.accounts.models import User
from imagelib.accounts.roles import Role
from tests.factories import create_user

pytestmark = pytest.mark.django_db

ADD = reverse("admin:accounts_user_add")
PASSWORD = "a-long-sentence-of-words"


def address(user) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def form(user, **fields) -> dict:
    return {"username": user.username, "is_active": "on", "theme": "system", **fields}


def test_new_account_has_the_chosen_role(staff, signed_in):
    data = {"username": "anna", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert signed_in(staff).post(ADD, data | {"role": "curator"}).status_code == 302
    assert user_management.role_of(User.objects.get(username="anna")) == Role.CURATOR


def test_role_replaces_permissions_and_is_recorded(staff, signed_in):
    anna = create_user("anna")
    user_management.set_role(anna, Role.VIEWER)
    group = Group.objects.get(name="viewer")
    signed_in(staff).post(address(anna), form(anna, role="staff", groups=[group.pk]))
    anna.refresh_from_db()
    assert (user_management.role_of(anna), anna.is_staff) == (Role.STAFF, True)
    assert AuditEntry.objects.latest("pk").details["values"]["role"] == ["viewer", "staff"]


def test_same_role_leaves_permissions_of_its_own(staff, signed_in):
    anna = create_user("anna")
    user_management.set_role(anna, Role.VIEWER)
    group, extra = Group.objects.get(name="viewer"), Permission.objects.get(codename="add_image")
    data = form(anna, role="viewer", groups=[group.pk], user_permissions=[extra.pk])
    signed_in(staff).post(address(anna), data)
    assert list(anna.user_permissions.all()) == [extra]
    assert b"Choosing a role replaces them." in signed_in(staff).get(address(anna)).content


def test_form_offers_roles_that_one_may_give(signed_in):
    registrar, anna = create_user("registrar", is_staff=True), create_user("anna")
    user_management.set_role(anna, Role.VIEWER)
    names = ("view_user", "add_user", "change_user")
    registrar.user_permissions.add(*Permission.objects.filter(codename__in=names))
    browser = signed_in(registrar)
    choices = browser.get(address(anna)).context["adminform"].form.fields["role"].choices
    assert [value for value, _ in choices] == ["viewer", "owner"]
    browser.post(address(anna), form(anna, role="administrator", is_superuser="on"))
    anna.refresh_from_db()
    assert (user_management.role_of(anna), anna.is_superuser) == (Role.VIEWER, False)


def test_nobody_changes_their_own_role(staff, signed_in):
    browser = signed_in(staff)
    browser.post(address(staff), form(staff, role="viewer", is_staff="on", is_superuser="on"))
    assert user_management.role_of(User.objects.get(pk=staff.pk)) == Role.ADMINISTRATOR
    page = browser.get(address(staff))
    assert "role" not in page.context["adminform"].form.fields
    assert b"Administrator: Can do everything" in page.content


def test_permissions_are_folded(staff, signed_in):
    fieldsets = signed_in(staff).get(address(create_user())).context["adminform"].fieldsets
    assert [(name, "collapse" in options.get("classes", ())) for name, options in fieldsets] == [
        (None, False),
        ("Access", False),
        ("Personal info", False),
        ("Display", False),
        ("Important dates", False),
        ("Advanced", True),
    ]


@pytest.mark.parametrize(("role", "status"), [("viewer", 302), ("", 200)])
def test_new_account_never_gets_more_than_the_chosen_role(role, status, staff, signed_in):
    # An account without any group may upload.
    data = {"username": "anna", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert signed_in(staff).post(ADD, data | {"role": role}).status_code == status
    anna = User.objects.filter(username="anna").first()
    assert (user_management.role_of(anna) if anna else "") == role


def test_last_administrators_cannot_be_deleted_together(staff, signed_in):
    other = create_user("other", is_staff=True, is_superuser=True)
    fields = {"action": "delete_selected", "post": "yes", "_selected_action": [staff.pk, other.pk]}
    browser, address = signed_in(staff), reverse("admin:accounts_user_changelist")
    assert browser.post(address, fields).status_code == 403
    assert User.objects.filter(is_superuser=True).count() == 2
    assert browser.post(address, fields | {"_selected_action": [other.pk]}).status_code == 302
    assert list(User.objects.filter(is_superuser=True)) == [staff]
