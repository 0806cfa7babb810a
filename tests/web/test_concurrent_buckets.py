"""Two people add overlapping buckets at the same instant: the second is refused."""

import threading

import pytest
from django.db import connection, transaction

from analysis.models import Bucket
from analysis.web.bucket_form import BucketForm
from tests.factories import create_user

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGE = "This prefix overlaps a bucket of another owner. Choose another prefix, or the same owner."


def has_waiting_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return cursor.fetchone()[0]


def run_while_first_is_saved(second, *, owner, prefix: str = "2024/"):
    """Run `second` in a thread, during a transaction that saves the first.

    It commits once the second waits for its lock, or has ended.
    """
    results = []

    def run() -> None:
        try:
            results.append(second())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        first = Bucket(name="photos", prefix=prefix, owner=owner)
        first.full_clean()
        first.save()
        thread.start()
        while thread.is_alive() and not has_waiting_lock():
            thread.join(0.01)
    thread.join()
    return results[0]


def bucket_form(owner, prefix: str) -> BucketForm:
    data = {"name": "photos", "prefix": prefix, "owner": owner.pk, "visibility": 0, "anyway": "on"}
    form = BucketForm(data, instance=Bucket(owner=owner))
    assert form.is_connected()  # the first is not there yet
    return form


@pytest.mark.parametrize(("prefix", "errors"), [("", [MESSAGE]), ("2024/more/", [MESSAGE]), ("2025/", [])])
def test_form_refuses_prefix_added_after_its_check(prefix, errors):
    owner, colleague = create_user("owner"), create_user("colleague")
    form = bucket_form(colleague, prefix)
    assert run_while_first_is_saved(lambda: form.save_checked(by_id=owner.pk), owner=owner) is not bool(errors)
    assert form.non_field_errors() == errors
    assert Bucket.objects.count() == 2 - len(errors)


def test_form_refuses_the_same_bucket_of_the_same_owner_twice():
    owner = create_user("owner")
    form = bucket_form(owner, "2024/")
    assert run_while_first_is_saved(lambda: form.save_checked(by_id=owner.pk), owner=owner) is False
    assert form.non_field_errors() == ["Bucket with this Bucket name and Prefix already exists."]
    assert Bucket.objects.count() == 1


def test_other_names_do_not_wait():
    owner = create_user("owner")
    data = {"name": "holidays", "owner": owner.pk, "visibility": 0, "anyway": "on"}
    form = BucketForm(data, instance=Bucket(owner=owner))
    with transaction.atomic():
        Bucket(name="photos", owner=owner).full_clean()
        assert run_in_thread(lambda: form.is_connected() and form.save_checked(by_id=owner.pk))


def run_in_thread(function):
    results = []

    def run() -> None:
        try:
            results.append(function())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    return results[0]


def test_administration_refuses_it_too(signed_in):
    owner, colleague = create_user("owner"), create_user("colleague")
    browser = signed_in(create_user("staff", is_staff=True, is_superuser=True))
    data = {"name": "photos", "prefix": "2024/more/", "owner": colleague.pk, "visibility": 0, "_save": "Save"}
    response = run_while_first_is_saved(lambda: browser.post("/admin/analysis/bucket/add/", data), owner=owner)
    assert response.status_code == 200
    assert MESSAGE in response.content.decode()
    assert Bucket.objects.get().owner == owner
