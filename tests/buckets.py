"""A fake S3 server on loopback."""

from __future__ import annotations

from contextlib import contextmanager

from analysis.aws import s3_objects
from bench.fake_s3 import FakeS3, serving


@contextmanager
def s3_server(monkeypatch, **options):
    """Run a fake S3, and point boto3 at it."""
    fake = FakeS3(**options)
    with serving(fake) as address:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
        s3_objects.reset()
        yield fake
    s3_objects.reset()
