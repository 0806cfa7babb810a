"""Time zone of dates: the account's, else the browser's, else TIME_ZONE."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from imagelib.accounts.models import User
from tests.factories import create_image

pytestmark = pytest.mark.django_db
ADDED = datetime(2026, 5, 3, 23, 5, 9, tzinfo=UTC)
BY_UTC, BY_TOKYO, BY_NEW_YORK = "3 May 2026, 23:05:09 UTC", "4 May 2026, 08:05:09 JST", "3 May 2026, 19:05:09 EDT"


@pytest.mark.parametrize(
    ("account", "cookie", "expected"),
    [
        ("", "", BY_UTC),
        ("", "Asia/Tokyo", BY_TOKYO),
        ("", "Asia%2FTokyo", BY_TOKYO),
        ("America/New_York", "Asia/Tokyo", BY_NEW_YORK),
        ("Mars/Olympus", "Asia/Tokyo", BY_TOKYO),
        ("Mars/Olympus", "", BY_UTC),
        ("", "Mars/Olympus", BY_UTC),
        ("", "../../etc/passwd", BY_UTC),
        ("", "%00", BY_UTC),
        ("", "x" * 3_000, BY_UTC),
    ],
)
def test_dates_follow_the_account_then_the_browser(account, cookie, expected, owner, signed_in):
    image = create_image(owner, added_at=ADDED)
    User.objects.update(time_zone=account)
    browser = signed_in(owner)
    browser.cookies["time_zone"] = cookie
    assert expected in browser.get(reverse("image", args=[image.pk])).content.decode()


def test_time_zone_does_not_leak_into_the_next_request(owner, colleague, signed_in):
    image = create_image(colleague, added_at=ADDED)
    User.objects.filter(pk=owner.pk).update(time_zone="Asia/Tokyo")
    signed_in(owner).get(reverse("library"))
    assert BY_UTC in signed_in(colleague).get(reverse("image", args=[image.pk])).content.decode()


def test_visitor_gets_the_browser_s_time_zone(owner, nobody):
    image = create_image(owner, added_at=ADDED, visibility=2)
    nobody.cookies["time_zone"] = "Asia/Tokyo"
    assert BY_TOKYO in nobody.get(image.get_public_url()).content.decode()
