"""An alert from the library to a test message that arrived."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from analysis.delivery import sender
from analysis.models import Alert, SavedSearch
from tests.delivery.receiver import Receiver
from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db(transaction=True)


def test_alert_is_previewed_saved_and_tested(visit, owner, renditions, settings):
    settings.DELIVERY_PRIVATE_ADDRESSES = True
    for _ in range(3):
        create_labeled_image(owner, {"Dog": 99.0}, added_at=timezone.now(), **renditions)
    saved = SavedSearch.objects.create(owner=owner, name="Dogs", query="dog")
    page = visit().sign_in()
    page.goto(f"/?q=dog&saved={saved.pk}")
    page.get_by_role("link", name="Alert me").click()
    expect(page.locator("#alert-preview")).to_contain_text("2 messages about 3 pictures")
    page.get_by_label("Email").check()
    expect(page.get_by_label("Address")).to_be_hidden()
    page.get_by_label("Webhook").check()
    expect(page.locator("#alert-preview")).to_contain_text("3 messages about 3 pictures")
    with Receiver() as receiver:
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_role("button", name="Create alert").click()
        page.wait_for_url("**/alerts/*/")
        assert page.get_by_label("Signing secret").input_value() == Alert.objects.get().secret
        page.get_by_role("button", name="Send test message").click()
        expect(page.locator("#alert-messages")).to_contain_text("Test message Waiting")
        sender.send_due()
        expect(page.locator("#alert-messages")).to_contain_text("Test message Delivered")
        assert [request.json["event"] for request in receiver.received] == ["test"]
