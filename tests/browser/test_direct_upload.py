"""Fifty pictures from Chromium straight into S3 (moto's), past the web server, and found by search."""

from __future__ import annotations

import copy
import io
import urllib.request

import boto3  # noqa: TID251
import pytest
from moto.server import ThreadedMotoServer
from playwright.sync_api import expect

from analysis import pipeline
from analysis.bucket_sync import connection_check
from analysis.models import Image, Upload
from tests import factories, pictures

NUMBER = 50
MEND = "the storage does not take it ({}); whoever runs this library must put that right"


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(moto, settings, monkeypatch, live_server):
    """The pictures' storage, with the CORS rules that the page of a bucket shows; its client."""
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
        {"name": f"picture-{each:02}.jpg", "mimeType": "image/jpeg", "buffer": pictures.jpeg(160, 120, seed=each)}
        for each in range(number)
    ]


def test_fifty_pictures_go_past_the_web_server_and_are_found(visit, owner, bucket, moto, celery_worker_thread):
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
    page.wait_for_function(f"""[...document.querySelectorAll("{straight}")].every(each => each.naturalWidth > 0)""")
    kept = [each["Key"].split("/")[0] for each in bucket.list_objects_v2(Bucket="pictures")["Contents"]]
    assert (kept.count("originals"), kept.count("renditions"), kept.count("uploads")) == (NUMBER, 2 * NUMBER, 0)


def kept(owner, number: int) -> list[Image]:
    """Pictures in the storage, and their rows."""
    return [
        pipeline.ingest_file(io.BytesIO(pictures.jpeg(seed=each)), name=f"{each}.jpg", owner_id=owner.pk).image
        for each in range(number)
    ]


def lose(bucket, folder: str) -> None:
    for each in bucket.list_objects_v2(Bucket="pictures", Prefix=folder)["Contents"]:
        bucket.delete_object(Bucket="pictures", Key=each["Key"])


def asked_of_us(page) -> list[str]:
    """What of renditions the web server is asked for from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/renditions/thumb?" in request.url else None)
    return asked


def test_a_thumb_or_preview_that_is_lost_is_made_again_while_one_looks(visit, owner, bucket):
    window, images = visit(), kept(owner, 2)
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
    window.complaints.clear()  # the browser told of what was lost


def test_what_cannot_be_made_again_is_not_asked_for_on_and_on(visit, owner, bucket):
    window = visit()
    kept(owner, 6)
    lose(bucket, "")
    page = window.page
    asked = asked_of_us(page)
    with page.expect_response(lambda answer: len(asked) == 3 and answer.url == asked[2]):
        window.sign_in()
    page.evaluate("() => fetch('/upload/').then(answer => answer.text())")  # by then it would have asked again
    assert len(asked) == 3
    window.complaints.clear()


REFUSALS = {
    ("AccessDenied", "Access Denied"): MEND.format("AccessDenied"),
    ("NoSuchBucket", "The specified bucket does not exist"): MEND.format("NoSuchBucket"),
    ("ExpiredToken", "The provided token has expired."): MEND.format("ExpiredToken"),
    ("AccessDenied", "Invalid according to Policy: Policy expired."): (
        "it took too long and its time is over; send it again"
    ),
    ("SlowDown", "Please reduce your request rate."): (
        "the storage does not take it (SlowDown); try again in a moment"
    ),
    ("EntityTooSmall", "Your proposed upload is smaller"): "it is smaller than was said; choose it again",
    ("EntityTooLarge", "Your proposed upload exceeds the maximum"): "it is larger than was said; choose it again",
}


def test_a_storage_that_refuses_is_told_and_asked_again(visit, owner, bucket, moto, celery_worker_thread):
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
    window.complaints.clear()  # the browser told of the answer that we gave


def test_a_bucket_without_cors_rules_for_this_origin_pauses_rather_than_loses(
    visit, owner, bucket, celery_worker_thread
):
    others = connection_check.cors_rules("https://other.example")
    bucket.put_bucket_cors(Bucket="pictures", CORSConfiguration={"CORSRules": others})
    window = visit()
    page = window.sign_in()
    page.goto("/upload/")
    page.get_by_label("Pictures", exact=True).set_input_files(chosen(1))
    expect(page.locator("[data-upload-alert]")).to_contain_text("The connection is lost.")
    expect(page.locator("[data-section=active] .upload-status")).to_have_text("Waiting")
    window.complaints.clear()  # it says that the answer carries no Access-Control-Allow-Origin
