"""No secret gets into a log line."""

from __future__ import annotations

import pytest

from imagelib.log_redaction import MAX_DEPTH, REDACTED, Redactor

SIGNED = (
    "https://pictures.s3.eu-central-1.amazonaws.com/originals/1.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101&X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027"
)


@pytest.mark.parametrize(
    ("logged", "written"),
    [
        (
            f"GET {SIGNED} failed",
            f"GET https://pictures.s3.eu-central-1.amazonaws.com/originals/1.jpg?{REDACTED} failed",
        ),
        (
            "https://d1.cloudfront.net/a?Expires=1&Signature=abc~&Key-Pair-Id=K2",
            f"https://d1.cloudfront.net/a?{REDACTED}",
        ),
        ("https://b.example/a?AWSAccessKeyId=x&Expires=1", f"https://b.example/a?{REDACTED}"),
        ("postgresql://imagelib:hush-hush@db/imagelib is down", "postgresql://db/imagelib is down"),
        ("redis://:hush@cache:6379/0", "redis://cache:6379/0"),
        ('connection failed: password="hush-hush" user=me', f'connection failed: password="{REDACTED}" user=me'),
        ("{'secret': 'hush-hush', 'name': 'me'}", f"{{'secret': '{REDACTED}', 'name': 'me'}}"),
        ("aws_secret_access_key=hush/hush+1", f"aws_secret_access_key={REDACTED}"),
        ("Cookie: sessionid=abcdef0123; theme=dark", f"Cookie: {REDACTED}; theme=dark"),
        ("?token=abcdefgh&page=2", f"?token={REDACTED}&page=2"),
        ("Authorization: Bearer imagelib_abcdefghij", f"Authorization: Bearer {REDACTED}"),
        ("the token imagelib_abcdefghij", f"the token imagelib_{REDACTED}"),
        ("Authorization: Basic dXNlcjpodXNo", f"Authorization: Basic {REDACTED}"),
        ("key AKIAIOSFODNN7EXAMPLE was used", f"key {REDACTED} was used"),
        ("Not Found: /s/0Jc2-d_gY8Wk9n3rTq/cover", f"Not Found: /s/{REDACTED}/cover"),
        ("Not Found: /invitations/0Jc2-d_gY8Wk9n3rTq/", f"Not Found: /invitations/{REDACTED}/"),
        ("/accounts/reset/MQ/c4xs3d-0123456789abcdef/", f"/accounts/reset/MQ/{REDACTED}/"),
        ("SECRET_KEY is sesame-open-sesame, used twice", f"SECRET_KEY is {REDACTED}, used twice"),
        # Nothing of these is a secret.
        ("Passwords are case-sensitive.", "Passwords are case-sensitive."),
        ("POST /accounts/password_reset/ 200", "POST /accounts/password_reset/ 200"),
        ("GET /account/tokens/?page=2", "GET /account/tokens/?page=2"),
        ("bucket photos is paused: S3 is throttling requests", "bucket photos is paused: S3 is throttling requests"),
        ("no response within 10 s", "no response within 10 s"),
    ],
)
def test_secrets_are_replaced_and_other_words_stay(logged: str, written: str) -> None:
    assert Redactor(["sesame-open-sesame", "", "short"]).text(logged) == written


def test_fields_of_any_depth_are_cleaned() -> None:
    event = {
        "event": SIGNED,
        "api_token": "abc",
        "password": "",
        "status": 200,
        "context": {"Authorization": ["Basic x"], "headers": [("Cookie", "sessionid=abcdef")], "keys": 3},
        "error": ValueError("password=hush-hush"),
    }
    assert Redactor()(None, "info", event) == {
        "event": SIGNED.partition("?")[0] + f"?{REDACTED}",
        "api_token": REDACTED,
        "password": "",
        "status": 200,
        "context": {"Authorization": REDACTED, "headers": [["Cookie", f"sessionid={REDACTED}"]], "keys": 3},
        "error": f"password={REDACTED}",
    }


def test_endless_values_end() -> None:
    endless: list[object] = []
    endless.append(endless)
    cleaned = Redactor().value(endless)
    for _level in range(MAX_DEPTH + 1):
        (cleaned,) = cleaned
    assert cleaned == REDACTED
