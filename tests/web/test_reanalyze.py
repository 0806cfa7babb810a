"""The “Analyze again” page: estimates, permissions and start."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from analysis.models import Analysis, Batch, Image, ModelVersion
from tests.factories import create_analysis, create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
URL = "/analyze/"
COPIED = ("owner_id", "renditions_id", "filename", "size", "width", "height", "format", "added_at")


@pytest.fixture(autouse=True)
def paid(rekognition, settings):
    settings.RECOGNIZER_APIS = ["labels", "faces"]


def chosen(page):
    return {choice.api: (choice.calls, choice.cost) for choice in page.context["choices"] if choice.is_chosen}


def test_the_estimate_of_a_selection(owner, colleague, signed_in):
    images = [create_image(owner) for _ in range(3)]
    ids = ",".join(str(image.pk) for image in [*images, create_image(colleague)])
    page = signed_in(owner).post(URL, {"ids": ids})
    assert chosen(page) == {"labels": ("3", "$0.0063"), "faces": ("3", "$0.0036")}
    text = Page(page).text
    assert "3 pictures · 6 calls · at most $0.0099 · a second" in text
    assert "1 selected picture is skipped because it isn't yours or is in the trash." in text
    assert not Page(page).inline()
    assert Batch.objects.count() == 0
    assert Analysis.objects.count() == 0


def test_calls_without_a_price_are_free(owner, signed_in, settings):
    settings.RECOGNIZER, settings.RECOGNIZER_APIS = "local", ["labels"]
    image = create_image(owner)
    assert chosen(signed_in(owner).post(URL, {"ids": str(image.pk)})) == {"labels": ("1", "Free")}


def test_the_estimate_of_a_search(owner, signed_in):
    for _ in range(2):
        create_labeled_image(owner, {"Dog": 98})
    create_image(owner)
    page = signed_in(owner).post(URL, {"all": "1", "q": "dog", "api": "faces"})
    assert chosen(page) == {"faces": ("2", "$0.0024")}
    [labels] = [choice for choice in page.context["choices"] if choice.api == "labels"]  # what a tick would add
    assert (labels.is_chosen, labels.calls, labels.cost) == (False, "2", "$0.0042")
    assert "2 pictures · 2 calls · at most $0.0024" in Page(page).text
    assert page.context["form"] == {"all": "1", "q": "dog", "chosen": "1", "scope": "all"}


def test_up_to_date_results_are_skipped_unless_forced(owner, signed_in):
    from analysis.recognition import registry

    ModelVersion.objects.create(recognizer="rekognition", api="labels", version="3.0")
    create_analysis(
        create_image(owner), state="done", recognizer="rekognition", parameters=registry.parameters("labels")
    )
    browser = signed_in(owner)
    page = browser.get(URL, {"api": "labels"})
    assert [choice.note for choice in page.context["choices"] if choice.is_chosen] == ["1 up to date"]
    assert "Nothing to do" in Page(page).text
    assert "Start" not in [element.get("name") for element in Page(page).all("button")]
    assert chosen(browser.get(URL, {"api": "labels", "force": "1"})) == {"labels": ("1", "$0.0021")}


def test_start_creates_a_run_with_the_selected_pictures_and_budget(owner, signed_in):
    images = [create_image(owner) for _ in range(2)]
    browser = signed_in(owner)
    page = browser.post(URL, {"ids": ",".join(str(image.pk) for image in images), "api": ["labels"]})
    assert page.context["suggested"] == "0.01"
    form = page.context["form"] | {
        "api": "labels",
        "budget": "0.01",
        "suggested": "0.01",
        "expected": "2",
        "token": page.context["token"],
    }
    assert browser.post(URL, form | {"start": "1"}).url == reverse("activity")
    batch = Batch.objects.get()
    assert (batch.person, batch.all_owners, batch.uses_id_list) == (owner, False, True)
    assert (batch.state, batch.budget, batch.expected, batch.apis) == ("running", Decimal("0.01"), 2, ["labels"])
    assert sorted(batch.named.values_list("image_id", flat=True)) == [image.pk for image in images]
    assert f"Started bulk run {batch.pk}." in Page(browser.get(reverse("activity"))).text


def test_new_estimate_updates_suggested_but_not_typed_budget(owner, signed_in):
    create_image(owner)
    browser, form = signed_in(owner), {"all": "1", "q": "", "api": "labels"}
    assert browser.post(URL, form | {"budget": "0.50", "suggested": "0.50"}).context["budget"] == "0.01"
    assert browser.post(URL, form | {"budget": "0.50", "suggested": "0.01"}).context["budget"] == "0.50"


def test_failed_analyses_are_retried_by_error_code(owner, colleague, signed_in):
    for person in (owner, owner, colleague):
        image = create_image(person)
        create_labeled_image(person, {"Dog": 98})
        create_analysis(image, api="faces", state="failed", recognizer="rekognition", error_code="storage")
    parameters = {"q": "is:failed", "scope": "failed", "code": "storage", "api": "faces", "everybody": "1"}
    browser = signed_in(owner)
    page = browser.get(URL, parameters)
    assert chosen(page) == {"faces": ("2", "$0.0024")}
    browser.post(URL, page.context["form"] | {"api": "faces", "start": "1", "token": page.context["token"]})
    batch = Batch.objects.get()
    assert (batch.query, batch.scope, batch.error_code) == ("is:failed", "failed", "storage")
    assert batch.all_owners is False  # which only staff may ask for


def test_staff_retry_failures_of_all_owners(owner, staff, signed_in):
    create_analysis(create_image(owner), api="faces", state="failed", recognizer="rekognition", error_code="storage")
    parameters = {"q": "is:failed", "scope": "failed", "code": "storage", "api": "faces", "everybody": "1"}
    page = signed_in(staff).get(URL, parameters)
    assert chosen(page) == {"faces": ("1", "$0.0012")}
    assert page.context["form"]["everybody"] == "1"


def test_large_selection_is_estimated_from_a_sample(owner, signed_in):
    first = create_image(owner)
    copies = [
        Image(**{**row, "id": None, "sha256": f"{number:064x}", "key": f"copies/{number}"})
        for row in Image.objects.filter(pk=first.pk).values(*COPIED)
        for number in range(10_000, 12_999)
    ]
    Image.objects.bulk_create(copies)
    ids = ",".join(map(str, Image.objects.values_list("pk", flat=True)))
    page = signed_in(owner).post(URL, {"ids": ids, "api": "labels"})
    assert chosen(page) == {"labels": ("3,000", "$6.30")}
    assert "About 3,000 pictures · 3,000 calls · at most $6.30" in Page(page).text
    assert "Estimated from the first 2,000 pictures." in Page(page).text
    assert page.context["expected"] == ""
    whole = signed_in(owner).post(URL, {"ids": ",".join(ids.split(",")[:1_500]), "api": "labels"})
    assert [field["value"] for field in Page(whole).all("input") if field.get("name") == "expected"] == ["1500"]
    by_search = signed_in(owner).get(URL, {"q": "format:jpeg", "api": "labels"})
    assert chosen(by_search) == {"labels": ("3,000", "$6.30")}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "No pictures are selected."),
        ({"all": "1", "q": "dog ("}, "This search is not valid"),
        ({"all": "1", "q": "", "api": "smells"}, "rekognition does not support smells"),
        ({"all": "1", "q": "", "chosen": "1"}, "Choose at least one API of"),
        ({"all": "1", "q": "", "budget": "-1"}, "The budget must be from $0.00 to $100,000.00, not -1."),
        ({"all": "1", "q": "", "start": "1", "budget": "much"}, "“much” is not an amount in US dollars"),
        ({"ids": ",".join(map(str, range(1, 10_002)))}, "At most 10,000 pictures can be selected one by one"),
    ],
)
def test_invalid_form_shows_its_error(form, words, owner, signed_in):
    answer = signed_in(owner).post(URL, form)
    assert answer.status_code == 422
    assert words in Page(answer).text
    assert Batch.objects.count() == 0


def test_get_request_starts_nothing(owner, signed_in):
    create_image(owner)
    signed_in(owner).get(URL, {"start": "1"})
    assert Batch.objects.count() == 0


def test_bulk_bar_links_to_analyze_again(owner, signed_in):
    create_image(owner)
    buttons = [element for element in Page(signed_in(owner).get("/")).all("button") if element.get("formaction") == URL]
    assert ["data-navigates" in button for button in buttons] == [True]


def test_estimate_starts_once_and_then_links_to_the_run(owner, colleague, signed_in):
    image = create_image(owner)
    browser = signed_in(owner)
    page = browser.post(URL, {"ids": str(image.pk), "api": "labels", "force": "1"})
    form = page.context["form"] | {"api": "labels", "force": "1", "start": "1", "token": page.context["token"]}
    for _ in range(2):
        assert browser.post(URL, form).url == reverse("activity")
    batch = Batch.objects.get()
    activity = Page(browser.get(reverse("activity")))
    assert (
        f"Bulk run {batch.pk} was already started from this estimate, just now. Nothing new was started."
        in activity.text
    )
    assert activity.links[f"Show bulk run {batch.pk}"] == f"/activity/#batch-{batch.pk}"
    assert activity.by_id(f"batch-{batch.pk}")
    for token in ("", "x", form["token"]):
        person = colleague if token == form["token"] else owner
        assert signed_in(person).post(URL, {"all": "1", "q": "", **form, "ids": "", "token": token}).status_code == 422
    assert Batch.objects.count() == 1


def test_disabled_api_is_neither_offered_nor_accepted(owner, staff, signed_in):
    create_image(owner)
    browser = signed_in(owner)
    assert [choice.api for choice in browser.get(URL).context["choices"]] == ["labels", "faces"]
    answer = browser.post(URL, {"all": "1", "q": "", "api": ["labels", "celebrities"]})
    assert (answer.status_code, "Not enabled: Celebrities." in Page(answer).text) == (422, True)
    owner.user_permissions.add(Permission.objects.get(codename="add_batch"))
    page = signed_in(owner).post(URL, {"all": "1", "q": "", "api": ["celebrities"]})
    assert chosen(page) == {"celebrities": ("1", "$0.0012")}


def test_viewers_cannot_start_analyses(owner, signed_in):
    create_image(owner)
    owner.groups.add(Group.objects.get_or_create(name="viewer")[0])
    answer = signed_in(owner).get(URL)
    assert (answer.status_code, "because they cost money" in Page(answer).text) == (403, True)


def test_the_estimate_follows_the_form(owner, signed_in):
    create_image(owner)
    browser, form = signed_in(owner), {"all": "1", "q": "", "chosen": "1"}
    [sent] = [element for element in Page(browser.get(URL)).all("form") if element.get("action") == URL]
    assert (sent["hx-post"], sent["hx-trigger"], sent["hx-target"]) == (URL, "change delay:300ms", "#board")
    part = browser.post(URL, form | {"api": ["labels", "faces"]}, headers={"HX-Request": "true"})
    assert "1 picture · 2 calls" in Page(part).text
    assert ("<html" in part.content.decode(), "disabled" in Page(part).by_id("start")) == (False, False)
    for fields, reason in (
        ({}, "Choose at least one API of"),
        ({"api": "labels", "budget": "-1"}, "The budget must be from"),
    ):
        part = browser.post(URL, form | fields, headers={"HX-Request": "true"})
        assert (part.status_code, reason in Page(part).text) == (200, True)
        assert "disabled" in Page(part).by_id("start")
        assert {"type": "hidden", "name": "all", "value": "1"} in Page(part).all("input")


def test_disabled_start_button_has_a_reason(owner, signed_in):
    page = Page(signed_in(owner).get(URL))
    assert page.by_id("start")["aria-describedby"] == "reason"
    assert (page.by_id("reason") is not None, "Nothing to do" in page.text) == (True, True)
