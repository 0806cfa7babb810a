"""The upload page: many files, lost connections, duplicates and leaving."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from analysis.curation import trash
from analysis.models import Image
from tests import factories, pictures

UPLOADS = "**/upload/files/"
REFUSED = '<li class="upload-row" data-outcome="refused"><p class="name">x</p><p class="upload-message">y</p></li>'


@pytest.fixture
def owner(transactional_db):
    return factories.create_user("owner")


@pytest.fixture
def window(visit, owner):
    window = visit()
    window.sign_in()
    window.page.goto("/upload/")
    return window


@pytest.fixture
def hold(window):
    """hold(): from now on uploads get no response while the test looks at the page."""
    yield lambda: window.page.route(UPLOADS, lambda route: None)
    # No longer answered: a response to a request of a page that was left may wait forever.
    window.page.unroute_all(behavior="ignoreErrors")


def refuse(route: Route) -> None:
    route.fulfill(json={"row": REFUSED})


def files(*names: str, content: bytes | None = None) -> list[dict]:
    content = content or pictures.jpeg()
    return [{"name": name, "mimeType": "image/jpeg", "buffer": content} for name in names]


def choose(page, chosen: list[dict]) -> None:
    page.get_by_label("Pictures", exact=True).set_input_files(chosen)


def test_many_files_keep_at_most_a_few_hundred_rows(window):
    page = window.page
    page.route(UPLOADS, refuse)
    choose(page, files(*[f"{number}.jpg" for number in range(450)]))
    expect(page.locator("[data-upload-summary]")).to_have_text("450 rejected", timeout=60_000)
    refused = page.locator("[data-section=refused]")
    expect(refused.locator("li")).to_have_count(200)
    expect(refused.locator("[data-section-remaining]")).to_have_text("and 250 more")


def test_only_the_next_queued_files_have_rows(window, hold):
    page = window.page
    hold()
    choose(page, files(*[f"{number}.jpg" for number in range(60)]))
    active = page.locator("[data-section=active]")
    expect(active.locator("li")).to_have_count(8)
    expect(active.locator("[data-section-remaining]")).to_have_text("and 52 more")
    expect(page.locator("[data-upload-summary]")).to_have_text("0 of 60")


def test_upload_pauses_on_lost_connection_and_resumes(window):
    page = window.page
    page.route("**/upload/**", lambda route: route.abort("internetdisconnected"))
    choose(page, files("one.jpg"))
    expect(page.locator("[data-upload-alert]")).to_contain_text("Connection lost.")
    expect(page.locator("[data-section=active] .upload-status")).to_have_text("Waiting")
    page.unroute("**/upload/**")
    expect(page.locator("[data-section=added] .name")).to_have_text("one.jpg", timeout=30_000)
    expect(page.locator("[data-upload-alert]")).to_be_hidden()
    window.forget_complaints()  # the browser reported the connections that were cut


def test_failed_upload_can_be_retried(window):
    page = window.page
    page.route(UPLOADS, lambda route: route.fulfill(status=503, body=""), times=1)
    choose(page, files("one.jpg"))
    row = page.locator("[data-section=refused] li")
    expect(row).to_contain_text("The server could not accept this file (HTTP 503)")
    row.get_by_role("button", name="Retry").click()
    expect(page.locator("[data-section=added] .name")).to_have_text("one.jpg")
    expect(page.locator("[data-upload-summary]")).to_have_text("1 added")
    window.forget_complaints()


def test_too_large_file_is_not_sent(window, settings):
    page = window.page
    page.evaluate("document.querySelector('upload-files').dataset.maxBytes = '1000'")
    page.route(UPLOADS, lambda route: pytest.fail("was sent"))
    choose(page, files("one.jpg"))
    expect(page.locator("[data-section=refused] li")).to_contain_text("the limit is 100 MB")
    expect(page.locator("[data-retry]")).to_have_count(0)


def test_duplicate_upload_links_to_the_picture(window, owner):
    page = window.page
    for number in (1, 2):
        choose(page, files("one.jpg"))
        expect(page.locator("[data-section=added] li")).to_have_count(number)
    duplicate = page.locator("[data-outcome=duplicate]")
    expect(duplicate).to_contain_text("Already in your library")
    expect(duplicate.get_by_role("link", name="one.jpg")).to_have_attribute("href", f"/images/{owner.images.get().pk}/")


def test_trashed_duplicate_is_restored_on_the_upload_page(window, owner):
    page = window.page
    choose(page, files("one.jpg"))
    expect(page.locator("[data-section=added] li")).to_have_count(1)
    trash.trash([owner.images.get().pk])
    page.goto("/upload/")
    choose(page, files("again.jpg"))
    thrown = page.locator("[data-outcome=trashed]")
    expect(thrown).to_contain_text("Already in the trash")
    expect(page.locator("[data-upload-summary]")).to_have_text("1 already in the trash")
    thrown.get_by_role("button", name="Restore").click()
    expect(thrown).to_have_count(0)
    restored = page.locator("[data-section=added] li")
    expect(restored.locator(".name")).to_have_text("again.jpg")
    expect(restored).to_contain_text("Already in your library")
    expect(page.locator("[data-upload-summary]")).to_have_text("1 already in your library")
    assert owner.images.get().trashed_at is None
    expect(page).to_have_url("/upload/")


def test_leaving_during_an_upload_asks_for_confirmation(window, hold):
    page = window.page
    hold()
    choose(page, files("one.jpg"))
    expect(page.locator("[data-section=active] li")).to_have_count(1)
    page.mouse.click(5, 400)  # browsers ask only those who have touched the page
    with page.expect_event("dialog") as dialog:
        page.evaluate("setTimeout(() => location.assign('/'))")
    assert dialog.value.type == "beforeunload"
    dialog.value.accept()
    page.wait_for_url(lambda address: not address.endswith("/upload/"))


@pytest.mark.parametrize("address", ["/upload/", "/"])
def test_files_dropped_anywhere_are_uploaded(window, address):
    page = window.page
    page.goto(address)
    page.evaluate(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "dropped.jpg", { type: "image/jpeg" }));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        list(pictures.jpeg()),
    )
    expect(page.locator("[data-section=added] .name")).to_have_text("dropped.jpg")


def test_sidecar_is_chosen_together_with_its_picture(window):
    page = window.page
    sidecars = [
        {"name": name, "mimeType": "", "buffer": content}
        for name, content in {
            "one.jpg.xmp": pictures.full_xmp(),
            "alone.xmp": pictures.full_xmp(),
            "large.xmp": bytes(2**20 + 1),
        }.items()
    ]
    choose(page, [*sidecars, *files("one.jpg")])
    expect(page.locator("[data-upload-summary]")).to_have_text("1 added, 2 rejected")
    refused = page.locator("[data-section=refused] li")
    sidecar = "No picture with the same name was chosen with it. Choose both together."
    expect(refused.filter(has_text="alone.xmp")).to_contain_text(sidecar)
    expect(refused.filter(has_text="large.xmp")).to_contain_text("An XMP file can be at most 1 MB.")
    assert Image.objects.get().title == "At the lake"


def test_folder_is_uploaded_without_hidden_and_system_folders_and_with_its_sidecars(window, tmp_path):
    included, skipped = ("a/one.jpg", "b/one.jpg"), (".hidden/c.jpg", "@eaDir/d.jpg", "$RECYCLE.BIN/e.jpg", ".f.jpg")
    for number, name in enumerate((*included, *skipped)):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.jpeg(seed=number))
    for name, title in {"a/one.xmp": "First", "b/one.jpg.xmp": "Second", "b/alone.xmp": "Third"}.items():
        packet = pictures.xmp_of(f"<dc:title><rdf:Alt><rdf:li>{title}</rdf:li></rdf:Alt></dc:title>")
        (tmp_path / "album" / name).write_bytes(packet)
    window.page.get_by_label("Folder", exact=True).set_input_files(tmp_path / "album")
    expect(window.page.locator("[data-upload-summary]")).to_contain_text("2 added")
    expect(window.page.locator("[data-section=refused] li")).to_have_count(0)
    assert sorted(Image.objects.values_list("title", flat=True)) == ["First", "Second"]
