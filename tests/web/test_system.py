"""System page: checks, queue, rate limits and settings without secrets."""

import re
from pathlib import Path

import pytest
from django.conf import settings as ours
from django.urls import reverse

import imagelib
from analysis.health import doctor
from analysis.models import Analysis, Image
from analysis.web.system import SETTING_GROUPS
from tests.factories import create_analysis, create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
SECRETS = re.compile(r"KEY|SECRET|PASSWORD|TOKEN|CREDENTIAL|URL|ENDPOINT|ACCOUNT|DATABASE|BROKER|REDIS|_USER|_FILE")


def test_shown_settings_contain_no_secret():
    names = [name for _title, group in SETTING_GROUPS for name in group]
    assert [name for name in names if SECRETS.search(name)] == []
    text = "\n".join(path.read_text() for path in (Path(ours.BASE_DIR) / "imagelib" / "settings").glob("*.py"))
    assert [name for name in names if not re.search(rf"^{name}\b", text, re.MULTILINE)] == []
    assert len(names) == len(set(names))


def test_all_numbers_and_switches_are_shown():
    folder = Path(ours.BASE_DIR) / "imagelib" / "settings"
    text = "\n".join(path.read_text() for path in folder.glob("*.py"))
    read = set(re.findall(r'^([A-Z_]+) = env\.(?:int|float|bool)\("\1"', text, re.MULTILINE))
    hidden = read - {name for _title, group in SETTING_GROUPS for name in group}
    assert [name for name in sorted(hidden) if not SECRETS.search(name)] == []


def test_page_shows_no_value_of_a_secret(staff, signed_in, settings):
    secret = "hush-hush-hush"
    for name in ("SECRET_KEY", "EMAIL_HOST_PASSWORD", "EMAIL_HOST_USER", "PRICES_FILE", "AWS_ACCOUNT", "DATABASE_URL"):
        setattr(settings, name, f"https://somebody:{secret}@example.org")
    page = signed_in(staff).get(reverse("system"), {"look": "1"})
    assert page.status_code == 200
    assert secret not in page.content.decode()


def test_page_shows_the_results_of_doctor(staff, signed_in, rekognition):
    page = signed_in(staff).get(reverse("system"), {"look": "1"})
    subjects = [line.subject for line in page.context["checks"]]
    assert subjects[:2] == ["versions", "configuration"]
    assert {check.subject for check in doctor.all_checks()} - set(subjects) == {
        "files",
        "bucket",
        "original deletions",
    }  # given in other words
    assert "No worker is running. Start one with celery -A imagelib worker" in Page(page).text
    assert not Page(page).inline()


def test_version_of_imagelib_comes_first(staff, signed_in):
    page = signed_in(staff).get(reverse("system"))
    assert page.context["versions"][0] == ("imagelib", imagelib.__version__)
    assert f"imagelib {imagelib.__version__}" in Page(page).text


def test_checks_load_by_htmx_or_by_a_link(staff, signed_in):
    browser = signed_in(staff)
    page = Page(browser.get(reverse("system")))
    assert page.by_id("findings")["hx-get"] == f"{reverse('system')}?look=1"
    assert page.links["Run checks"] == f"{reverse('system')}?look=1"
    assert "Database : not run yet." in page.text
    part = browser.get(reverse("system"), {"look": "1"}, headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert "hx-get" not in Page(part).by_id("findings")


def test_queues_show_the_age_of_their_oldest(owner, staff, signed_in, rekognition):
    for _ in range(2):
        create_analysis(create_image(owner), recognizer="rekognition")
    create_analysis(create_image(owner), state="running", recognizer="rekognition", api="faces")
    create_analysis(create_image(owner, trashed_at=Image.objects.first().added_at), recognizer="local")
    page = signed_in(staff).get(reverse("system"))
    rows = [(row.name, row.recognizer, row.waiting, row.running, row.oldest) for row in page.context["queues"]]
    assert rows == [
        ("Labels", "local", "1", "0", "none ready"),
        ("Faces", "rekognition", "0", "1", "–"),
        ("Labels", "rekognition", "2", "0", "a second"),
    ]


def test_rate_limits_are_listed_for_paid_apis(staff, signed_in, rekognition):
    page = signed_in(staff).get(reverse("system"))
    assert [(row.name, row.current, row.quota, row.source) for row in page.context["rate_limits"]] == [
        (api.label, "1e+03", "1000", "REKOGNITION_QUOTA") for api in Analysis.Api
    ]


def test_local_recognizer_has_no_rate_limits(staff, signed_in):
    assert "The recognizer runs on this machine and has no quota." in Page(signed_in(staff).get(reverse("system"))).text
