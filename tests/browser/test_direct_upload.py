"""Direct uploads from the browser into S3 (moto)."""

from __future__ import annotations

import copy
import hashlib
import io
import re
import urllib.request
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from playwright.sync_api import expect

from analysis import pipeline
from analysis.bucket_sync import connection_check
from analysis.models import Image, Upload
from tests import factories, pictures
from tests.moto_server import moto_server

NUMBER = 50
FILE_DATE = """async (lastModified) => {
    const { dateOf } = await import("/static/analysis/js/dropped_files.js");
    return dateOf(new File([], "a.jpg", { lastModified }));
}"""
HASH_ZEROS = """async (size) => {
    const { hashOf } = await import("/static/analysis/js/file_hash.js");
    return hashOf(new Blob([new Uint8Array(size)]));
}"""
MISCONFIGURED = "The storage rejected this file ({}). Ask an administrator to check its settings."


@pytest.fixture(scope="module")
def moto():
    with moto_server() as address:
        yield address


@pytest.fixture
def bucket(moto, settings, monkeypatch, live_server):
    """An S3 client; the bucket has the CORS rules that the bucket page shows."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = boto3.session.Session().client("s3", region_name="us-east-1", endpoint_url=moto)
    client.create_bucket(Bucket="pictures")
    client.put_bucket_cors(
        Bucket="pictures", CORSConfiguration={"CORSRules": connection_check.cors_rules(live_server.url)}
    )
    options = {"bucket_name": "pictures", "region_name": "us-east-1", "endpoint_url": moto, "url_seconds": 43_200}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "analysis.storage.s3.SharedS3Storage", "OPTIONS": options},
    }
    policy = copy.deepcopy(settings.CONTENT_SECURITY_POLICY)
    for directive in ("connect-src", "img-src"):
        policy["DIRECTIVES"][directive] += [moto]
    settings.CONTENT_SECURITY_POLICY = policy
    yield client
    client.close()
    urllib.request.urlopen(f"{moto}/moto-api/reset", data=b"").close()


@pytest.fixture
def owner(transactional_db):
    return factories.create_user("owner")


def chosen(number: int) -> list[dict]:
    return [
        {"name": f"picture-{index:02}.jpg", "mimeType": "image/jpeg", "buffer": pictures.jpeg(160, 120, seed=index)}
        for index in range(number)
    ]


def test_direct_uploads_bypass_the_web_server_and_are_searchable(visit, owner, bucket, moto, celery_worker_thread):
    page = visit().sign_in()
    page.goto("/upload/")
    sent: list[tuple[str, str]] = []
    page.on("request", lambda request: sent.append((request.method, request.url)))
    page.get_by_label("Pictures", exact=True).set_input_files(chosen(NUMBER))
    expect(page.locator("[data-upload-summary]")).to_have_text("50 added", timeout=120_000)
    assert [url for method, url in sent if method == "POST"].count(f"{moto}/pictures") == NUMBER
    assert not any(url.endswith("/file/") for _, url in sent)
    assert (Image.objects.count(), Upload.objects.filter(state="taken").count()) == (NUMBER, NUMBER)
    expect(page.locator("[data-section=added] [data-pending]")).to_have_count(0, timeout=120_000)

    page.goto("/?q=name:picture-1")
    expect(page.get_by_role("status").first).to_contain_text("10 pictures")
    straight = f"img[src^='{moto}/pictures/renditions/']"
    expect(page.locator(straight)).to_have_count(10)
    page.wait_for_function(f"""[...document.querySelectorAll("{straight}")].every(image => image.naturalWidth > 0)""")
    folders = [item["Key"].split("/")[0] for item in bucket.list_objects_v2(Bucket="pictures")["Contents"]]
    assert (folders.count("originals"), folders.count("renditions"), folders.count("uploads")) == (
        NUMBER,
        2 * NUMBER,
        0,
    )


def ingest_images(owner, number: int) -> list[Image]:
    """Pictures in the storage, and their rows."""
    return [
        pipeline.ingest_file(io.BytesIO(pictures.jpeg(seed=index)), name=f"{index}.jpg", owner_id=owner.pk).image
        for index in range(number)
    ]


def lose(bucket, folder: str) -> None:
    for item in bucket.list_objects_v2(Bucket="pictures", Prefix=folder)["Contents"]:
        bucket.delete_object(Bucket="pictures", Key=item["Key"])


def rendition_requests(page) -> list[str]:
    """URLs of renditions requested from the web server from here on."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if "/renditions/thumb?" in request.url else None)
    return requests


def test_lost_renditions_are_rendered_again_on_view(visit, owner, bucket):
    window, images = visit(), ingest_images(owner, 2)
    lose(bucket, "renditions/")
    page = window.sign_in()
    expect(page.locator("img.thumb[src^='/images/']")).to_have_count(2)
    expect(page.locator("img.thumb").first).to_have_js_property("naturalWidth", 160)
    lose(bucket, "renditions/")
    page.goto(f"/images/{images[0].pk}/")
    preview = page.locator("img.preview[src^='/images/']")
    expect(preview).to_have_js_property("naturalWidth", 160)
    renewed = Image.objects.get(pk=images[0].pk)
    assert renewed.renditions_id != images[0].renditions_id
    page.goto("/")
    straight = page.locator(f"img.thumb[src*='{renewed.renditions_id.hex}'][src*='X-Amz-Signature']")
    expect(straight).to_have_js_property("naturalWidth", 160)
    for number in range(2):  # the other one was lost, too; later its complaint would count against this test
        expect(page.locator("img.thumb").nth(number)).to_have_js_property("naturalWidth", 160)
    window.forget_complaints()  # the browser reported the lost connection


def test_failing_renditions_are_not_requested_repeatedly(visit, owner, bucket):
    window = visit()
    ingest_images(owner, 6)
    lose(bucket, "")
    page = window.page
    requests = rendition_requests(page)
    with page.expect_response(lambda answer: len(requests) == 3 and answer.url == requests[2]):
        window.sign_in()
    page.evaluate("() => fetch('/upload/').then(answer => answer.text())")  # by then it would have requests again
    assert len(requests) == 3
    window.forget_complaints()


REFUSALS = {
    ("AccessDenied", "Access Denied"): MISCONFIGURED.format("AccessDenied"),
    ("NoSuchBucket", "The specified bucket does not exist"): MISCONFIGURED.format("NoSuchBucket"),
    ("ExpiredToken", "The provided token has expired."): MISCONFIGURED.format("ExpiredToken"),
    (
        "AccessDenied",
        "Invalid according to Policy: Policy expired.",
    ): "This upload expired. Please send the file again.",
    (
        "SlowDown",
        "Please reduce your request rate.",
    ): "The storage rejected this file (SlowDown). Try again in a moment.",
    ("EntityTooSmall", "Your proposed upload is smaller"): "The file shrank during the upload. Choose it again.",
    ("EntityTooLarge", "Your proposed upload exceeds the maximum"): "The file grew during the upload. Choose it again.",
}


def test_storage_errors_are_shown_and_can_be_retried(visit, owner, bucket, moto, celery_worker_thread):
    window = visit()
    page = window.sign_in()
    page.goto("/upload/")
    answers = [f"<Error><Code>{code}</Code><Message>{message}</Message></Error>" for code, message in REFUSALS]
    allowed = {"Access-Control-Allow-Origin": "*"}
    page.route(
        f"{moto}/pictures",
        lambda route: route.fulfill(status=400, body=answers.pop(0), content_type="application/xml", headers=allowed),
        times=len(answers),
    )
    page.get_by_label("Pictures", exact=True).set_input_files(chosen(1))
    row = page.locator("[data-section=refused] li")
    for sentence in REFUSALS.values():
        expect(row.locator(".upload-message")).to_have_text(sentence)
        row.get_by_role("button", name="Retry").click()
    expect(page.locator("[data-upload-summary]")).to_have_text("1 added", timeout=60_000)
    window.forget_complaints()  # the browser reported the response


def test_missing_cors_rules_pause_the_upload(visit, owner, bucket, celery_worker_thread):
    others = connection_check.cors_rules("https://other.example")
    bucket.put_bucket_cors(Bucket="pictures", CORSConfiguration={"CORSRules": others})
    window = visit()
    page = window.sign_in()
    page.goto("/upload/")
    page.get_by_label("Pictures", exact=True).set_input_files(chosen(1))
    expect(page.locator("[data-upload-alert]")).to_contain_text("Connection lost.")
    expect(page.locator("[data-section=active] .upload-status")).to_have_text("Waiting")
    window.forget_complaints()  # it says that the response has no Access-Control-Allow-Origin


@pytest.mark.usefixtures("owner", "bucket", "celery_worker_thread")
def test_interrupted_upload_goes_on_after_a_reload(visit, moto, settings):
    settings.MULTIPART_UPLOAD_BYTES = settings.MULTIPART_PART_BYTES = 8_000
    large = pictures.jpeg(160, 120, seed=9) + bytes(40_000) + b"\xff\xd9"
    files = [*chosen(1), {"name": "large.jpg", "mimeType": "image/jpeg", "buffer": large}]
    parts = set(range(1, -(-len(large) // 8_000) + 1))
    window = visit()
    page = window.sign_in()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/upload/")
    page.get_by_label("Or create a collection").fill("Trip")
    page.get_by_label("Who can see them").select_option("1")
    held = re.compile(r"partNumber=(?!1&|2&)")
    page.route(held, lambda route: None)
    page.get_by_label("Pictures", exact=True).set_input_files(files)
    expect(page.locator("[data-section=added] .name")).to_have_text("picture-00.jpg")
    expect(page.locator("[data-section=active] .upload-status")).to_have_text(f"{1_600_000 // len(large)}\u202f%")

    page.reload()
    page.unroute(held)
    interrupted = page.locator("[data-upload-interrupted]")
    expect(interrupted).to_contain_text("1 upload was interrupted: choose the same file again to continue.")
    expect(page.get_by_label("Who can see them")).to_have_value("1")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method in {"PUT", "POST"} else None)
    page.get_by_label("Interrupted files").set_input_files(files)
    expect(page.locator("[data-upload-summary]")).to_have_text("1 added, 1 already in your library")
    expect(interrupted).to_be_hidden()
    to_s3 = [parse_qs(urlsplit(url).query)["partNumber"][0] for url in sent if url.startswith(moto)]
    assert sorted(map(int, to_s3)) == sorted(parts - {1, 2})

    first, last = sorted(Image.objects.values_list("pk", flat=True))
    href = page.get_by_role("link", name="Show the 2 pictures").get_attribute("href") or ""
    assert parse_qs(urlsplit(href).query)["q"] == [f"id:{first}..{last} sort:newest"]
    page.get_by_role("link", name="Open the collection").click()
    expect(page.get_by_role("heading", name="Trip")).to_be_visible()
    expect(page.locator("#grid .card")).to_have_count(2)
    assert Image.objects.get(filename="large.jpg").sha256 == hashlib.sha256(large).hexdigest()
    assert set(Image.objects.values_list("visibility", flat=True)) == {1}
    for size in (0, 55, 56, 64, 17 * 2**20):  # the last one is hashed in portions
        digest = page.evaluate(HASH_ZEROS, size)
        assert digest == hashlib.sha256(bytes(size)).hexdigest()
    date = page.evaluate(FILE_DATE, 1_555_079_400_000)
    assert datetime.fromisoformat(date) == datetime(2019, 4, 12, 14, 30, tzinfo=UTC)
    window.forget_complaints()  # of requests that the reload broke off
