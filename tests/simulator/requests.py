"""Pictures with different digests, raw HTTP calls, and waiting without sleep."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import struct
import time
from functools import cache

from tests.pictures import jpeg

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=testing", "Content-Type": "application/x-amz-json-1.1"}


@cache
def picture(number: int = 0) -> bytes:
    """A small JPEG; bytes after its end make each number a different file."""
    return jpeg(160, 120) + number.to_bytes(4, "big")


def send_request(content: bytes) -> dict:
    return {"Bytes": base64.b64encode(content).decode()}


def raw(address: str, operation: str, document: dict | bytes, **headers: str):
    """HTTP status, headers and JSON of a call without boto3."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return call_simulator(
        address, "POST", "/", body, {**SIGNED, "X-Amz-Target": f"RekognitionService.{operation}", **headers}
    )


def call_simulator(address: str, method: str, path: str, body: bytes = b"", headers: dict | None = None):
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        content = response.read()
        return response.status, dict(response.headers), json.loads(content) if content else None
    finally:
        connection.close()


def connect_raw(address: str) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def jpeg_header(width: int, height: int) -> bytes:
    """JPEG up to the frame header, with a segment and fill bytes before it."""
    start = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2\x00\x0b\x08"
    return start + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + struct.pack(">II", width, height)


def eventually(holds) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "The condition did not hold within 10 seconds."
