"""The system page: what the doctor says, and nothing that must stay unseen."""

import re
from pathlib import Path

import pytest
from django.conf import settings as ours
from django.urls import reverse

import imagelib
from analysis.health import doctor
from analysis.models import Analysis, Image
from analysis.web.system import SHOWN
from tests.factories import create_analysis, create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
SECRETS = re.compile(r"KEY|SECRET|PASSWORD|TOKEN|CREDENTIAL|URL|ENDPOINT|ACCOUNT|DATABASE|BROKER|REDIS|_USER|_FILE")


def test_no_secret_is_among_the_settings_that_are_shown():
    names = [name for group in SHOWN.values() for name in group]
    assert [name for name in names if SECRETS.search(name)] == []
    text = (Path(ours.BASE_DIR) / "imagelib" / "settings.py").read_text()
    assert [name for name in names if not re.search(rf"^{name}\b", text, re.MULTILINE)] == []
    assert len(names) == len(set(names))


def test_no_value_of_a_secret_is_on_the_page(staff, signed_in, settings):
    secret = "hush-hush-hush"
    for name in ("SECRET_KEY", "EMAIL_HOST_PASSWORD", "EMAIL_HOST_USER", "PRICES_FILE", "AWS_ACCOUNT", "DATABASE_URL"):
        setattr(settings, name, f"https://somebody:{secret}@example.org")
    page = signed_in(staff).get(reverse("system"), {"look": "1"})
    assert page.status_code == 200
    assert secret not in page.content.decode()


def test_it_says_what_the_doctor_says(staff, signed_in, rekognition):
    page = signed_in(staff).get(reverse("system"), {"look": "1"})
    subjects = [line.subject for line in page.context["lines"]]
    assert subjects[:2] == ["versions", "configuration"]
    assert {look.subject for look in doctor.all_checks()} - set(subjects) == {"files", "bucket"}  # told in other words
    assert "No worker is running. Start one with celery -A imagelib worker" in Page(page).text
    assert not Page(page).inline()


def test_it_tells_the_version_of_imagelib_first(staff, signed_in):
    page = signed_in(staff).get(reverse("system"))
    assert page.context["versions"][0] == ("imagelib", imagelib.__version__)
    assert f"imagelib {imagelib.__version__}" in Page(page).text


def test_what_takes_long_follows_by_itself_and_without_a_script_by_a_link(staff, signed_in):
    browser = signed_in(staff)
    page = Page(browser.get(reverse("system")))
    assert page.by_id("findings")["hx-get"] == f"{reverse('system')}?look=1"
    assert page.links["Look now"] == f"{reverse('system')}?look=1"
    assert "database : not looked at yet." in page.text
    part = browser.get(reverse("system"), {"look": "1"}, headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert "hx-get" not in Page(part).by_id("findings")


def test_queues_are_told_with_their_oldest(owner, staff, signed_in, rekognition):
    for _ in range(2):
        create_analysis(create_image(owner), recognizer="rekognition")
    create_analysis(create_image(owner), state="running", recognizer="rekognition", api="faces")
    create_analysis(create_image(owner, trashed_at=Image.objects.first().added_at), recognizer="local")
    page = signed_in(staff).get(reverse("system"))
    rows = [(each.name, each.recognizer, each.waiting, each.running, each.oldest) for each in page.context["queues"]]
    assert rows == [
        ("Labels", "local", "1", "0", "none may go now"),
        ("Faces", "rekognition", "0", "1", "none may go now"),
        ("Labels", "rekognition", "2", "0", "a second"),
    ]


def test_the_pace_is_told_for_each_api_that_is_paid_for(staff, signed_in, rekognition):
    page = signed_in(staff).get(reverse("system"))
    assert [(each.name, each.now, each.quota, each.source) for each in page.context["paces"]] == [
        (api.label, "1e+03", "1000", "REKOGNITION_QUOTA") for api in Analysis.Api
    ]


def test_with_a_recognizer_of_this_machine_there_is_no_pace(staff, signed_in):
    assert "The recognizer runs on this machine and has no quota." in Page(signed_in(staff).get(reverse("system"))).text
