"""Settings are documented completely and have safe defaults."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from imagelib import csp
from imagelib.setting_names import one_of

ROOT = Path(__file__).resolve().parent.parent
CODE = [path for folder in ("imagelib", "analysis") for path in (ROOT / folder).rglob("*.py")]


def names_read() -> set[str]:
    """Every environment variable that the code asks for."""
    pattern = re.compile(r"""(?:env\.\w+\(|environ\.get\(|environ\[)\s*"([A-Z][A-Z0-9_]+)\"""")
    return {name for path in CODE for name in pattern.findall(path.read_text())} - {"DJANGO_SETTINGS_MODULE", "PATH"}


def test_every_variable_is_in_the_example_and_in_the_docs():
    example = set(re.findall(r"^#([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    table = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs/settings.md").read_text().split("|---", 1)[1]))
    assert names_read() | {"PORT"} == example
    assert example <= table


def settings_with(tmp_path, *names, **variables) -> subprocess.CompletedProcess:
    program = f"from django.conf import settings; print(*[getattr(settings, n) for n in {names!r}], sep='|')"
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "imagelib.settings",
        "IMAGELIB_ENV_FILE": os.devnull,
    }
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "IMAGELIB_VAR": str(tmp_path / "var"), **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_laptop_is_reached_from_itself_alone_and_keeps_its_secret(tmp_path):
    first = settings_with(tmp_path, "ALLOWED_HOSTS", "DEBUG", "HTTPS", "SECRET_KEY")
    assert first.stdout.startswith("['localhost', '127.0.0.1', '[::1]']|False|False|")
    assert settings_with(tmp_path, "ALLOWED_HOSTS", "DEBUG", "HTTPS", "SECRET_KEY").stdout == first.stdout
    assert (tmp_path / "var/secret_key").stat().st_mode & 0o777 == 0o600


def test_naming_hosts_asks_for_https_and_for_a_secret(tmp_path):
    missing = settings_with(tmp_path, "HTTPS", ALLOWED_HOSTS="pictures.example.org")
    assert "Set SECRET_KEY" in missing.stderr
    names = ("HTTPS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT")
    secure = settings_with(tmp_path, *names, ALLOWED_HOSTS="pictures.example.org", SECRET_KEY="x" * 50)
    assert secure.stdout == "True|True|True|True\n"


@pytest.mark.parametrize(
    ("variables", "backend", "broker"),
    [
        ({}, "django.core.files.storage.FileSystemStorage", "redis+socket://"),
        (
            {"AWS_STORAGE_BUCKET_NAME": "b", "REDIS_URL": "redis://r/1"},
            "analysis.storage.s3.SharedS3Storage",
            "redis://r/1",
        ),
    ],
)
def test_one_setting_changes_a_service(tmp_path, variables, backend, broker):
    output = settings_with(tmp_path, "STORAGES", "CELERY_BROKER_URL", **variables).stdout
    assert f"'BACKEND': '{backend}'" in output
    assert output.split("|")[1].startswith(broker)


@pytest.mark.parametrize("text", ["100 USD", "NaN", "-1"])
def test_invalid_budget_is_quoted(tmp_path, text):
    refused = settings_with(tmp_path, "MONTHLY_BUDGET", MONTHLY_BUDGET=text)
    assert f"MONTHLY_BUDGET is '{text}'. Set it to US dollars, for example 100." in refused.stderr


def test_policy_for_browsers_holds_no_credentials_of_the_endpoint():
    assert csp.origin("pictures", region="", endpoint="https://me:secret@storage.example:9000/path") == [
        "https://storage.example:9000"
    ]


THEIRS = {
    "AWS_S3_REGION_NAME": ("AWS_REGION", "eu-central-1", "us-east-1"),
    "AWS_S3_ENDPOINT_URL": ("AWS_ENDPOINT_URL_S3", "http://localhost:9000", "http://localhost:9001"),
    "AWS_S3_CUSTOM_DOMAIN": ("AWS_CLOUDFRONT_DOMAIN", "pictures.example.org", "other.example.org"),
    "AWS_QUERYSTRING_EXPIRE": ("SIGNED_URL_SECONDS", "600", "0"),
    "AWS_LOCATION": ("AWS_STORAGE_PREFIX", "pictures", "other"),
}
BUCKET = {"AWS_STORAGE_BUCKET_NAME": "b"}
SHOWN = ("AWS_REGION", "AWS_ENDPOINT", "AWS_CLOUDFRONT_DOMAIN", "STORAGES", "CONTENT_SECURITY_POLICY")


def test_the_names_of_django_storages_do_as_ours_do(tmp_path):
    theirs = settings_with(tmp_path, *SHOWN, **BUCKET, **{name: value for name, (_, value, _) in THEIRS.items()})
    ours = settings_with(tmp_path, *SHOWN, **BUCKET, **{name: value for name, value, _ in THEIRS.values()})
    assert (theirs.stdout, theirs.stderr) == (ours.stdout, "")
    assert [value in theirs.stdout for _, value, _ in THEIRS.values()] == [True] * len(THEIRS)


@pytest.mark.parametrize("theirs", THEIRS)
def test_two_names_that_differ_are_refused(theirs):
    ours, value, other = THEIRS[theirs]
    assert one_of("", **{ours: value, theirs: value}) == one_of("", **{ours: None, theirs: value}) == value
    with pytest.raises(ImproperlyConfigured) as refusal:
        one_of("", **{ours: value, theirs: other})
    sentence = f"{ours} is {value!r}, but {theirs} is {other!r}. They are two names of one setting: remove one of them."
    assert str(refusal.value) == sentence


def test_settings_that_differ_stop_the_start(tmp_path):
    ended = settings_with(tmp_path, "STORAGES", **BUCKET, SIGNED_URL_SECONDS="60", AWS_QUERYSTRING_EXPIRE="0")
    assert "SIGNED_URL_SECONDS is 60, but AWS_QUERYSTRING_EXPIRE is 0." in ended.stderr


def test_botocore_sees_the_endpoint_by_their_name(tmp_path):
    program = "from django.conf import settings; settings.DEBUG; import os; print(os.environ['AWS_ENDPOINT_URL_S3'])"
    env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "imagelib.settings", "IMAGELIB_ENV_FILE": os.devnull}
    env |= {"IMAGELIB_VAR": str(tmp_path), "AWS_S3_ENDPOINT_URL": "http://localhost:9000"}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "http://localhost:9000\n"
