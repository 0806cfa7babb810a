"""Welcome page: its steps, who sees it, and dismissing it."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from analysis.health import doctor, welcome_page
from analysis.models import AuditEntry, ModelVersion, Outage
from analysis.recognition import registry
from analysis.search.terms import SourceTerm
from analysis.web.welcome import recognizer_options
from analysis.web.welcome.steps import steps
from imagelib.accounts import invitations
from imagelib.accounts.roles import Role
from tests.factories import create_bucket, create_image, create_user

pytestmark = pytest.mark.django_db

WELCOME, DISMISS, LOGIN = reverse("welcome"), reverse("welcome-dismiss"), reverse("login")
PASSWORD = {"username": "staff", "password": "word"}


@pytest.fixture
def browser(staff, signed_in):
    return signed_in(staff)


def done(pictures: int = 0) -> dict[str, bool]:
    return {step.slug: step.is_done for step in steps(pictures)}


def links_of(page) -> set[str]:
    return set(re.findall(r'href="([^"#?]*)', page.content.decode()))


def test_steps_of_an_empty_installation_are_open(staff, settings):
    settings.RECOGNIZER = "simulator"
    assert [(step.slug, step.is_done, step.status) for step in steps(0)] == [
        ("pictures", False, "No pictures yet."),
        (
            "recognizer",
            False,
            "Simulator. The simulator makes up labels and costs. Choose another recognizer for real pictures.",
        ),
        ("people", False, "You are the only person who can sign in."),
    ]


def test_each_step_knows_that_it_is_done(staff, settings):
    settings.RECOGNIZER = "rekognition"
    ModelVersion.objects.create(recognizer="rekognition", api="labels", version="3.0")
    invitations.create(name="Anna", email="", role=Role.VIEWER, by=staff)
    assert [(step.is_done, step.status) for step in steps(1_204)] == [
        (True, "1,204 pictures in the library."),
        (True, "In use: Amazon Rekognition."),
        (True, "You are the only person who can sign in. 1 invitation is open."),
    ]
    create_user()
    assert steps(0)[2].status == "2 people can sign in. 1 invitation is open."


def test_recognizer_is_not_ready_without_a_result_or_in_an_outage(db, settings):
    settings.RECOGNIZER = "rekognition"
    assert recognizer_options.problem() == "Set, but it has not analyzed a picture yet."
    ModelVersion.objects.create(recognizer="rekognition", api="labels", version="3.0")
    Outage.objects.create(
        recognizer="rekognition", api="labels", code="AccessDenied", message="", probe_at=timezone.now()
    )
    assert (recognizer_options.problem(), done()["recognizer"]) == (
        "Analysis is paused: an API is not available.",
        False,
    )


def test_connected_bucket_is_named_before_its_pictures_are_there(owner):
    create_bucket(owner)
    assert steps(0)[0].status == "1 bucket is connected. No pictures yet."


def test_prices_follow_region_and_number_of_pictures(db, settings):
    settings.AWS_REGION, settings.IMAGE_PROPERTIES, settings.RECOGNIZER_APIS = "us-east-1", False, ["labels", "text"]
    prices = recognizer_options.prices(250)
    assert prices.columns == ("1,000 pictures", "10,000 pictures", "Yours: 250 pictures")
    assert [(row.name, row.prices, row.is_enabled) for row in prices.rows][:2] == [
        ("Labels", ("$1.00", "$10.00", "$0.25"), True),
        ("Faces", ("$1.00", "$10.00", "$0.25"), False),
    ]


def test_every_recognizer_can_be_chosen_and_searched(db):
    assert {option.name for option in recognizer_options.options()} == set(registry.NAMES)
    assert set(registry.NAMES) < set(SourceTerm.SOURCES)


def test_lines_to_paste_keep_what_is_set(db, settings):
    settings.AWS_REGION, settings.RECOGNIZER_APIS, settings.MONTHLY_BUDGET = "eu-west-1", ["text", "labels"], 20
    assert [option.lines for option in recognizer_options.options()] == [
        "RECOGNIZER=local",
        "RECOGNIZER=rekognition\nAWS_REGION=eu-west-1\nRECOGNIZER_APIS=labels,text\nMONTHLY_BUDGET=20",
        "RECOGNIZER=simulator",
    ]


def test_page_leads_to_each_way(browser):
    assert {reverse("upload"), reverse("bucket-add"), reverse("invite")} <= links_of(browser.get(WELCOME))


def test_page_offers_only_what_one_may_do(signed_in, owner):
    helper = create_user("helper", is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_heartbeat"))
    links = links_of(signed_in(helper).get(WELCOME))
    assert {reverse("bucket-add"), reverse("invite")} & links == set()


def test_checks_run_when_asked_for(browser, settings):
    assert "checks" not in browser.get(WELCOME).context
    subjects = [row.subject for row in browser.get(WELCOME, {"look": "1"}).context["checks"]]
    assert subjects == [check.subject for check in doctor.recognizer_checks()]


def test_dismissal_is_remembered_and_recorded_once(browser, staff):
    for _ in range(2):
        assert browser.post(DISMISS).url == reverse("library")
    assert welcome_page.welcome_dismissed_at() is not None
    assert browser.post(DISMISS, {"show": "1"}).url == WELCOME
    assert welcome_page.welcome_dismissed_at() is None
    entries = AuditEntry.objects.order_by("pk").values_list("actor_id", "object_name", "details")
    assert list(entries) == [
        (staff.pk, "Welcome page", {"values": {"welcome": ["shown", "dismissed"]}}),
        (staff.pk, "Welcome page", {"values": {"welcome": ["dismissed", "shown"]}}),
    ]


def test_links_lead_staff_to_the_page_until_it_is_dismissed(browser, owner, signed_in):
    assert WELCOME in links_of(browser.get("/"))
    assert WELCOME not in links_of(signed_in(owner).get("/"))
    browser.post(DISMISS)
    assert WELCOME not in links_of(browser.get("/"))
    assert WELCOME in links_of(browser.get(reverse("system")))
    assert browser.get(WELCOME).status_code == 200


@pytest.mark.parametrize(("target", "expected"), [("", WELCOME), ("/", WELCOME), ("/upload/", "/upload/")])
def test_first_sign_in_of_an_administrator_leads_to_the_page(target, expected, staff, nobody):
    query = f"?next={target}" if target else ""
    assert nobody.post(LOGIN + query, PASSWORD).url == expected
    nobody.logout()
    assert nobody.post(LOGIN, PASSWORD).url == "/"  # the second time


def test_sign_in_leads_nobody_else_there(staff, owner, nobody):
    assert nobody.post(LOGIN, {"username": "owner", "password": "word"}).url == "/"
    nobody.logout()
    create_image(owner)
    assert nobody.post(LOGIN, PASSWORD).url == "/"  # it has pictures


def test_dismissed_page_is_not_where_a_sign_in_leads(staff, nobody):
    welcome_page.set_welcome_dismissed(is_dismissed=True, by_id=staff.pk)
    assert nobody.post(LOGIN, PASSWORD).url == "/"
