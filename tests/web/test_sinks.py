"""Pages of sinks: rights, forms, actions, dry run."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.delivery import sink_runs, sinks
from analysis.models import Sink, SinkRun
from tests.delivery.aws_services import REGION
from tests.delivery.conftest import *
from tests.factories import create_bucket, create_bucket_image, create_labeled_image, create_user
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/pictures"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:pictures"
TAGS = {"name": "Tags", "query": "", "tag_prefix": "x:", "labels": "Dog,\n Cat ,Dog", "kinds": ["label"]}
VALID = {
    "sqs": {"address": QUEUE, "form": "simple", "kilobytes": "256"},
    "sns": {"address": TOPIC, "form": "full", "kilobytes": "1024"},
    "eventbridge": {"address": "default", "region": REGION, "source": "imagelib", "form": "full", "kilobytes": "256"},
    "dynamodb": {"address": "pictures", "region": "", "key": "filename", "form": "simple"},
    "object_tags": {**TAGS, "min_confidence": "90", "max_tags": "5"},
    "webhook": {"address": "https://example.org/hook"},
}
OPTIONS = {
    "sqs": {"region": "", "form": "simple", "kilobytes": 256},
    "sns": {"region": "", "form": "full", "kilobytes": 1024},
    "eventbridge": {"region": REGION, "form": "full", "kilobytes": 256, "source": "imagelib"},
    "dynamodb": {"region": "", "key": "filename", "form": "simple"},
    "object_tags": {
        "tag_prefix": "x:",
        "labels": ["Dog", "Cat"],
        "kinds": ["label"],
        "min_confidence": 90,
        "max_tags": 5,
    },
    "webhook": {},
}


@pytest.fixture
def browser(staff, signed_in):
    return signed_in(staff)


@pytest.fixture
def hook(receiver) -> Sink:
    return sinks.add(Sink(name="Hook", channel="webhook", address=receiver.url, query="dog"), by_id=None)


def act(browser, sink, action, **values) -> Page:
    response = browser.post(reverse("sink-action", args=[sink.pk, action]), values)
    return Page(browser.get(response.url))


@pytest.mark.parametrize("channel", VALID)
def test_each_channel_is_added_and_edited_by_its_form(browser, channel):
    address = reverse("sink-add", args=[channel])
    page = Page(browser.get(address))
    assert page.inline() == []
    response = browser.post(address, {"name": " My  sink ", "query": "dog", **VALID[channel]})
    sink = Sink.objects.get()
    assert response.url == reverse("sink", args=[sink.pk])
    assert (sink.name, sink.channel, sink.options) == (VALID[channel].get("name", "My sink"), channel, OPTIONS[channel])
    assert (sink.is_active, sink.secret != "") == (channel != "object_tags", channel == "webhook")
    edit = reverse("sink-edit", args=[sink.pk])
    values = {field["name"]: field.get("value") for field in Page(browser.get(edit)).all("input") if "name" in field}
    assert values["name"] == sink.name
    browser.post(edit, {**VALID[channel], "name": "Other", "query": ""})
    sink.refresh_from_db()
    assert (sink.name, sink.query, sink.options) == ("Other", "", OPTIONS[channel])
    assert Page(browser.get(reverse("sink", args=[sink.pk]))).inline() == []


@pytest.mark.parametrize(
    ("channel", "values", "error"),
    [
        ("sqs", {"address": "pictures"}, "Enter the URL of a queue"),
        ("sqs", {"kilobytes": "2000"}, "less than or equal to 1024"),
        ("sqs", {"form": "other"}, "Select a valid choice"),
        ("sqs", {"query": "width:"}, "width: needs a value"),
        ("sns", {"address": QUEUE}, "Enter the ARN of a topic"),
        ("eventbridge", {"source": "aws.s3"}, "AWS reserves names that start with aws."),
        ("eventbridge", {"region": "eu central"}, "Enter a region such as eu-central-1"),
        ("dynamodb", {"address": "a b"}, "Enter the name or ARN of a table"),
        ("dynamodb", {"key": "id"}, "Select a valid choice"),
        ("object_tags", {"tag_prefix": "aws:x"}, "AWS reserves names that start with aws:."),
        ("object_tags", {"labels": "", "kinds": []}, "List some labels, or choose a kind."),
        ("object_tags", {"max_tags": "11"}, "less than or equal to 10"),
        ("webhook", {"address": "ftp://example.org"}, "Enter a URL that starts with https:// or http://."),
        ("webhook", {"name": "Taken"}, "A sink with this name already exists."),
    ],
)
def test_form_names_the_field_that_is_wrong(browser, channel, values, error):
    Sink.objects.create(name="Taken", channel="sqs", address=QUEUE)
    response = browser.post(
        reverse("sink-add", args=[channel]), {"name": "My sink", "query": "", **VALID[channel]} | values
    )
    assert (response.status_code, Sink.objects.count()) == (422, 1)
    assert error in Page(response).text


def test_list_needs_the_same_queries_for_one_and_three_sinks(browser, django_assert_num_queries):
    assert "No sinks yet." in Page(browser.get(reverse("sinks"))).text
    for names in (["A"], ["B <b>", "C"]):
        for name in names:
            Sink.objects.create(name=name, channel="sqs", address=QUEUE, last_error="<i>down</i>")
        with django_assert_num_queries(6):
            page = Page(browser.get(reverse("sinks")))
    assert ("B <b> Failing" in page.text, "<i>down</i>" in page.text) == (True, True)


def test_test_message_is_sent_and_its_outcome_shown(browser, hook, receiver):
    assert "The test message was delivered." in act(browser, hook, "test").text
    receiver.status = 500
    assert "The test failed: The receiver returned HTTP 500. ok" in act(browser, hook, "test").text
    assert [request.json["event"] for request in receiver.received] == ["test", "test"]


def test_pause_resume_and_delete(browser, hook):
    page = act(browser, hook, "pause")
    assert ("Paused. Nothing is sent" in page.text, "Resume" in page.text) == (True, True)
    assert "Resume the sink first." in act(browser, hook, "send-existing").text
    assert "Active. Pictures are sent" in act(browser, hook, "resume").text
    page = act(browser, hook, "delete")
    assert ("Deleted Hook." in page.text, Sink.objects.exists()) == (True, False)


def test_existing_pictures_are_queued_with_progress_and_cancel(browser, owner, hook):
    create_labeled_image(owner, {"Dog": 99.0})
    page = act(browser, hook, "send-existing")
    [progress] = page.all("progress")
    assert (progress["value"], page.by_id("progress")["hx-trigger"]) == ("0", "every 2s")
    assert "Canceled. Messages that are already queued" in act(browser, hook, "cancel").text
    act(browser, hook, "send-existing")
    sink_runs.queue_due()
    assert SinkRun.objects.get().state == "done"
    fragment = browser.get(reverse("sink", args=[hook.pk]), headers={"HX-Request": "true"})
    page = Page(fragment)
    assert "Existing pictures were queued: 1 picture." in page.text
    assert ("hx-get" in page.by_id("progress"), page.all("h1")) == (False, [])


def test_tags_are_activated_from_their_dry_run(browser, owner, aws):
    aws.create_bucket("pictures")
    bucket = create_bucket(owner, name="pictures", region=REGION, may_tag=True)
    image = create_bucket_image(bucket, "dog.jpg")
    aws.clients["s3"].put_object(Bucket="pictures", Key="dog.jpg", Body=b"x", Tagging="team=a&imagelib%3AOld=label")
    sink = sinks.add(Sink(name="Tags", channel="object_tags"), by_id=None)
    assert "Check the dry run first" in act(browser, sink, "resume").text
    page = Page(browser.get(reverse("sink-dry-run", args=[sink.pk])))
    assert "1 object would change." in page.text
    assert "Removed: imagelib:Old = label" in page.text
    assert page.links["dog.jpg"] == image.get_absolute_url()
    [approval] = [field["value"] for field in page.all("input") if field.get("name") == "approval"]
    assert "Active. Pictures are sent" in act(browser, sink, "resume", approval=approval).text
    assert aws.tags("pictures", "dog.jpg") == {"team": "a", "imagelib:Old": "label"}


def test_dry_run_without_pictures_names_the_setting(browser):
    sink = sinks.add(Sink(name="Tags", channel="object_tags"), by_id=None)
    page = Page(browser.get(reverse("sink-dry-run", args=[sink.pk])))
    assert "No pictures in this search are in a bucket with “Set tags” turned on." in page.text


def test_detail_shows_policy_and_secret_only_where_they_belong(browser, hook):
    page = Page(browser.get(reverse("sink", args=[hook.pk])))
    assert (hook.secret in page.text, "IAM policy" in page.text) == (True, False)
    queue = Sink.objects.create(name="Queue", channel="sqs", address=QUEUE)
    page = Page(browser.get(reverse("sink", args=[queue.pk])))
    assert ("sqs:SendMessage" in page.text, "Signing secret" in page.text) == (True, False)


def test_pages_are_missing_for_others(hook, owner, signed_in):
    staff_without = create_user(is_staff=True)
    for person in (owner, staff_without):
        browser = signed_in(person)
        for name in ("sinks", "sink-channels"):
            assert browser.get(reverse(name)).status_code == 404
        assert browser.post(reverse("sink-action", args=[hook.pk, "delete"])).status_code == 404
    assert Sink.objects.exists()


def test_unknown_channels_and_actions_are_missing(browser, hook):
    assert browser.get(reverse("sink-add", args=["email"])).status_code == 404
    assert browser.post(reverse("sink-action", args=[hook.pk, "explode"])).status_code == 404
    assert browser.get(reverse("sink-dry-run", args=[hook.pk])).status_code == 404
