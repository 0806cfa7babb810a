"""Accessibility of every page, with rows and without.

axe finds nothing serious or critical, at both widths, in both themes.
"""

from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from analysis.admin import sidebar
from analysis.ingest.examine import examine
from analysis.library import images as library_images
from analysis.models import Alert, Batch, Bucket, BulkChange, Image, LatencyStatistics, SavedSearch
from analysis.statistics import aggregation
from imagelib.accounts import invitations
from imagelib.accounts.roles import Role
from tests import factories, pictures
from tests.admin.example_rows import create_example_rows
from tests.browser import axe
from tests.test_translation import PAGES, shared_rows

FRAGMENTS = ("image panel", "months")
SHOWN_ONCE = ("history", "delete")
"""Pages of the admin that look alike for every model."""
ADMIN_SIDEBAR = "#nav-sidebar"
"""Alike on all pages of the admin, so the home page alone is checked with it."""
ADMIN_ITEMS = [item for section in sidebar.SECTIONS for item in section.items]
FIRST_ITEMS = [section.items[0] for section in sidebar.SECTIONS]
SIGNED_OUT = [name for name, (_, _, person) in PAGES.items() if person is None]
FOR_OTHERS = ("admin refused",)
"""Pages that a superuser never gets."""
SIGNED_IN = [name for name in PAGES if name not in (*FRAGMENTS, *SIGNED_OUT, *FOR_OTHERS)]
WITHOUT_ROWS = [name for name in SIGNED_IN if not PAGES[name][1]]
SEARCHES = ("dog", "dog -grass taken:2024.. sort:taken", "nothing-like-this", "(dog", "is:trash", "is:failed")


OURS = ("moderate", "serious", "critical")
"""On our own pages nothing moderate either, such as a page without a heading."""


@pytest.fixture(scope="module")
def script(tmp_path_factory) -> str:
    return axe.source(tmp_path_factory.mktemp("axe"))


@pytest.fixture
def person(transactional_db, pictures_folder):
    """A superuser, who is offered every control."""
    Group.objects.get_or_create(name="viewer")
    return factories.create_user("owner", is_staff=True, is_superuser=True, email="owner@example.org")


@pytest.fixture
def rows(person):
    """Rows of everything, with failures, by what stands for them in PAGES."""
    create_example_rows(person)
    file = io.BytesIO(pictures.jpeg())
    stored = library_images.store_files(examine(file, name="dog.jpg"), file, owner_id=person.pk)
    blobs = library_images.add(stored).image
    files = {
        name: getattr(blobs, name) for name in ("renditions_id", "placeholder", "phash", "signature", "has_duplicate")
    }
    labels = {"Dog": 98, "Grass": 71, "Cat": 60}
    image, *_ = (factories.create_labeled_image(person, labels, taken_at=timezone.now(), **files) for _ in range(3))
    Image.objects.update(**files)
    Image.objects.filter(pk=blobs.pk).update(trashed_at=timezone.now())
    Image.objects.filter(pk=image.pk).update(visibility=Image.Visibility.PUBLIC, latitude=1, longitude=2, iso=100)
    for api, state in (("faces", "failed"), ("moderation", "done"), ("text", "queued")):
        factories.create_analysis(image, api=api, state=state)
    batch = Batch.objects.create(
        person=person, recognizer="local", parameters={"labels": {}}, queued=10, done=8, failed=2
    )
    factories.create_analysis(image, api="celebrities", state="failed", batch=batch)
    list(aggregation.rebuild())  # which deletes the example of response times
    LatencyStatistics.objects.create(recognizer="rekognition", api="labels", start=timezone.now(), step=1, answers=1)
    shared = shared_rows(person, image)
    alert = Alert.objects.create(
        owner=person, saved_search=SavedSearch.objects.get(), channel="webhook", last_error="Down"
    )
    alert.matches.create(image=image, matched_at=timezone.now())
    alert.deliveries.create(payload={"count": 1}, kind="matches", state="failed", give_up_at=timezone.now())
    other = factories.create_user("other")
    factories.create_image(other, **files)
    _invitation, token = invitations.create(name="Anna", email="", role=Role.VIEWER, by=person)
    people = {"person": other.pk, "staff_id": person.pk, "invitation": token}
    own = {"image": image.pk, "batch": batch.pk, "bucket": Bucket.objects.get().pk, "alert": alert.pk}
    return shared | own | people


@pytest.fixture
def look(visit, script):
    """look(page): asserts that axe finds nothing."""
    return lambda page, **options: axe.violations(page, script, **options)


def address(name: str, rows: dict[str, int | str]) -> str:
    url_name, arguments, _ = PAGES[name]
    return reverse(url_name, args=[rows.get(argument, argument) for argument in arguments])


def found_at(page, addresses, look, **options) -> list[str]:
    violations = []
    for url in addresses:
        page.goto(url)
        violations += look(page, **options)
    return violations


@pytest.mark.parametrize("part", range(4))
def test_pages_with_rows(part, visit, rows, look, settings):
    settings.OIDC_CLIENT_ID = "imagelib"
    window = visit()
    ids = Image.objects.filter(owner__username="owner", trashed_at=None).values_list("pk", flat=True)[:3]
    other = [
        *(reverse("library", query={"q": query}) for query in SEARCHES),
        reverse("bucket-edit", args=[rows["bucket"]]),
        reverse("bulk-change", args=[BulkChange.objects.get().pk]),
        reverse("search", args=[SavedSearch.objects.get().pk]),
        reverse("alert-new", query={"search": SavedSearch.objects.get().pk}),
        reverse("image", args=[Image.objects.get(trashed_at__isnull=False).pk]),
        reverse("image", args=[Image.objects.filter(filename__contains="script").earliest("pk").pk]),
        reverse("duplicates-compare", query={"ids": ",".join(map(str, ids))}),
        reverse("socialaccount_connections"),
    ]
    addresses = [*(address(name, rows) for name in SIGNED_IN), *other]
    assert found_at(window.sign_in(), addresses[part::4], look, impacts=OURS) == []
    window.complaints.clear()  # one page is not there


def test_pages_without_rows(visit, person, look):
    assert found_at(visit().sign_in(), [address(name, {}) for name in WITHOUT_ROWS], look, impacts=OURS) == []


def test_pages_of_who_is_not_signed_in(visit, rows, look, settings):
    settings.OIDC_CLIENT_ID = "imagelib"  # which the sign-in page offers; at the callback it says what is wrong
    window = visit()
    page, public = window.page, Image.objects.get(pk=rows["image"]).get_public_url()
    addresses = [*(address(name, rows) for name in SIGNED_OUT), public, "/images/1/", reverse("admin:login")]
    addresses.append(reverse("oidc-callback", query={"error": "access_denied"}))
    assert found_at(page, addresses, look) == []
    window.complaints.clear()  # one page is not there
    page.goto("/accounts/login/")
    page.get_by_label("Name").fill("owner")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("Incorrect username or password.").wait_for()
    assert look(page) == []


@pytest.mark.parametrize(("width", "height"), axe.WIDTHS.values(), ids=axe.WIDTHS)
def test_open_menus_and_dialogs(width, height, visit, rows, look):
    page = visit(viewport={"width": width, "height": height}).sign_in()
    violations = []
    for name in ("Account", "How to search"):
        page.get_by_role("button", name=name).click()
        violations += look(page)
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    violations += look(page)
    page.goto(reverse("library", query={"q": "dog"}))
    page.locator(".save-search summary").click()
    violations += look(page)
    page.goto(reverse("library"))
    page.locator(".card .card-checkbox").first.check()
    for menu in page.locator(".bulk-bar summary").all():
        menu.click()
        violations += look(page)
        page.keyboard.press("Escape")
    page.goto(reverse("image", args=[rows["image"]]))
    page.keyboard.press("t")
    page.keyboard.type("gra")
    page.locator("li[role=option]").first.wait_for()
    assert violations + look(page) == []


def test_upload_rows(visit, person, look):
    page = visit().sign_in()
    page.goto(reverse("upload"))
    files = {"dog.jpg": pictures.jpeg(), "drawing.svg": pictures.svg()}
    page.locator("input[type=file]:not([webkitdirectory])").first.set_input_files(
        [{"name": name, "mimeType": "image/jpeg", "buffer": content} for name, content in files.items()]
    )
    page.get_by_text("SVG").first.wait_for()
    assert look(page) == []


@pytest.mark.parametrize("part", range(2))
def test_admin(part, visit, rows, look):
    """Every page of the admin opens, too; test_admin.py has only its actions."""
    page, seen, violations = visit(reduced_motion="reduce").sign_in(), (), []
    for url in [reverse("admin:index"), *(url for item in ADMIN_ITEMS[part::2] for url in admin_addresses(item))]:
        # Rows of many models are not added or deleted here: a request is cheaper than a page that says so.
        if not url.endswith(("/add/", "/delete/")) or page.request.get(url).status == 200:
            assert (url, page.goto(url).status) == (url, 200)
            violations += look(page, seen=seen)
            seen = (ADMIN_SIDEBAR,)
    assert violations == []


def admin_addresses(item: sidebar.SidebarItem) -> list[str]:
    options = item.model._meta
    name = f"admin:{options.app_label}_{options.model_name}"
    key = item.model._default_manager.values_list("pk", flat=True).first()
    assert (item, key is None) == (item, False)
    shown_once = SHOWN_ONCE if item in FIRST_ITEMS else ()
    addresses = [reverse(f"{name}_{page_name}", args=[key]) for page_name in ("change", *shown_once)]
    return [reverse(f"{name}_changelist"), reverse(f"{name}_add"), *addresses]
