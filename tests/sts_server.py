"""A fake STS on loopback, for one role."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from analysis.aws import s3_objects, shared_clients

ROLE = "arn:aws:iam::222222222222:role/imagelib"
ACCOUNT = "111111111111"
KEY = "ASIAROLE"
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


@dataclass
class FakeSts:
    """Lets the role be assumed with `external_id`; else AWS says `denial`."""

    external_id: str = ""
    requires_external_id: bool = True
    denial: str = "User: arn:aws:sts::111111111111:assumed-role/web/1 is not authorized to perform: sts:AssumeRole"
    lifetime: timedelta = timedelta(hours=1)
    requests: list[dict[str, str]] = field(default_factory=list)

    def _accepted(self) -> set[str | None]:
        return {self.external_id} if self.requires_external_id else {self.external_id, None}

    def respond(self, request: dict[str, str]) -> tuple[int, str]:
        self.requests.append(request)
        if request["Action"] == "GetCallerIdentity":
            return 200, _result("GetCallerIdentity", f"<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::1:user/x</Arn>")
        sent = request.get("ExternalId")
        if request["RoleArn"] != ROLE or sent not in self._accepted():
            error = f"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{self.denial}</Message></Error>"
            return 403, f'<ErrorResponse xmlns="{NAMESPACE}">{error}<RequestId>1</RequestId></ErrorResponse>'
        expires = (datetime.now(UTC) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        number = len(self.requests)
        return 200, _result(
            "AssumeRole",
            f"<Credentials><AccessKeyId>{KEY}{number}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            f"<SessionToken>t</SessionToken><Expiration>{expires}</Expiration></Credentials>",
        )


def _result(operation: str, content: str) -> str:
    result = f"<{operation}Result>{content}</{operation}Result>"
    return f'<{operation}Response xmlns="{NAMESPACE}">{result}</{operation}Response>'


@contextmanager
def sts_server(monkeypatch, **options) -> Iterator[FakeSts]:
    """Run a fake STS, and point botocore at it."""
    fake = FakeSts(**options)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, content = fake.respond(dict(parse_qsl(body)))
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.server_port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    s3_objects.reset()
    shared_clients.reset()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        s3_objects.reset()
        shared_clients.reset()
