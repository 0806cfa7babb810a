"""S3 references, with a small S3 server."""

from __future__ import annotations

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.pictures import webp
from tests.simulator.requests import jpeg_header, picture

OBJECTS = {
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
            content = OBJECTS.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            with suppress(ConnectionError):  # the simulator closes the connection of a picture that is too large
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


def detect(client, image):
    response = client.detect_labels(Image=image)
    del response["ResponseMetadata"]
    return response


def test_response_depends_on_bucket_key_and_version(simulator, client):
    images = [
        reference(),
        reference("two.jpg"),
        reference(Version="2"),
        {"S3Object": {**reference()["S3Object"], "Bucket": "others"}},
    ]
    responses = [detect(client, image) for image in images]
    assert [detect(client, image) for image in images] == responses
    assert len({str(response) for response in responses}) == 4
    assert simulator.statistics()["pictures"] == {"DetectLabels": {"different": 4, "paid_again": 4}}


def test_absent_reference_is_an_invalid_object(simulator, client):
    simulator.set(s3="absent")
    with pytest.raises(
        client.exceptions.InvalidS3ObjectException, match="Check object key, region and/or access permissions"
    ):
        client.detect_labels(Image=reference())
    client.detect_labels(Image={"Bytes": picture()})


def test_fetched_reference_has_the_response_of_its_bytes(simulator, client, s3):
    simulator.set(s3="fetch", s3_endpoint=s3)
    assert detect(client, reference()) == detect(client, {"Bytes": picture(1)})
    assert detect(client, reference(Version="2")) == detect(client, {"Bytes": picture(2)})
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
def test_fetched_reference_is_checked(simulator, client, s3, name, code):
    simulator.set(s3="fetch", s3_endpoint=s3)
    with pytest.raises(getattr(client.exceptions, code)):
        client.detect_labels(Image=reference(name))
    assert simulator.statistics()["outcomes"] == {code: 1}


def test_unreachable_s3_is_an_invalid_object(simulator, client):
    simulator.set(s3="fetch", s3_endpoint="http://127.0.0.1:9")
    with pytest.raises(client.exceptions.InvalidS3ObjectException):
        client.detect_labels(Image=reference())
