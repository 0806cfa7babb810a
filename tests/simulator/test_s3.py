"""References to S3, by a small S3 that knows one bucket."""

from __future__ import annotations

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.pictures import webp
from tests.simulator.requests import jpeg_header, picture

KEPT = {
    "/pictures/one.jpg": picture(1),
    "/pictures/one.jpg?versionId=2": picture(2),
    "/pictures/one.webp": webp(),
    "/pictures/small.jpg": jpeg_header(79, 100),
    "/pictures/huge.jpg": picture() + bytes(15 * 1024 * 1024),
    "/pictures/large.jpg": picture() + bytes(6 * 1024 * 1024),
}


@pytest.fixture(scope="module")
def s3():
    class Objects(BaseHTTPRequestHandler):
        def do_GET(self):
            content = KEPT.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            with suppress(ConnectionError):  # of a picture too large only the head is read
                self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Objects)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def reference(name="one.jpg", **more):
    return {"S3Object": {"Bucket": "pictures", "Name": name, **more}}


def seen(client, image):
    answer = client.detect_labels(Image=image)
    del answer["ResponseMetadata"]
    return answer


def test_references_are_taken_on_trust_and_answered_by_bucket_key_and_version(simulator, client):
    images = [
        reference(),
        reference("two.jpg"),
        reference(Version="2"),
        {"S3Object": {**reference()["S3Object"], "Bucket": "others"}},
    ]
    answers = [seen(client, image) for image in images]
    assert [seen(client, image) for image in images] == answers
    assert len({str(answer) for answer in answers}) == 4
    assert simulator.statistics()["pictures"] == {"DetectLabels": {"different": 4, "paid_again": 4}}


def test_absent_references_are_refused_as_by_aws(simulator, client):
    simulator.set(s3="absent")
    with pytest.raises(
        client.exceptions.InvalidS3ObjectException, match="Check object key, region and/or access permissions"
    ):
        client.detect_labels(Image=reference())
    client.detect_labels(Image={"Bytes": picture()})


def test_fetched_references_have_the_answers_of_their_bytes(simulator, client, s3):
    simulator.set(s3="fetch", s3_endpoint=s3)
    assert seen(client, reference()) == seen(client, {"Bytes": picture(1)})
    assert seen(client, reference(Version="2")) == seen(client, {"Bytes": picture(2)})
    client.detect_labels(Image=reference("large.jpg"))  # 15 MB in S3, 5 MB sent along


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nothing.jpg", "InvalidS3ObjectException"),
        ("one.webp", "InvalidImageFormatException"),
        ("small.jpg", "InvalidParameterException"),
        ("huge.jpg", "ImageTooLargeException"),
    ],
)
def test_fetched_references_are_judged(simulator, client, s3, name, code):
    simulator.set(s3="fetch", s3_endpoint=s3)
    with pytest.raises(getattr(client.exceptions, code)):
        client.detect_labels(Image=reference(name))
    assert simulator.statistics()["outcomes"] == {code: 1}


def test_an_s3_that_is_not_there_is_an_invalid_object(simulator, client):
    simulator.set(s3="fetch", s3_endpoint="http://127.0.0.1:9")
    with pytest.raises(client.exceptions.InvalidS3ObjectException):
        client.detect_labels(Image=reference())
