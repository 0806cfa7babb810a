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
    """Every environment variable that the code reads."""
    pattern = re.compile(r"""(?:env\.\w+\(|environ\.get\(|environ\[)\s*"([A-Z][A-Z0-9_]+)\"""")
    return {name for path in CODE for name in pattern.findall(path.read_text())} - {"DJANGO_SETTINGS_MODULE", "PATH"}


def test_every_variable_is_in_the_example_and_in_the_docs():
    example = set(re.findall(r"^#([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    table = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs/settings.md").read_text().split("|---", 1)[1]))
    assert names_read() | {"PORT"} == example
    assert example <= table


def test_numbers_in_the_docs_are_the_defaults_of_the_code(tmp_path):
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| (`[\d.`, ]+`) \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    documented = {
        name: float(number)
        for names, numbers in rows
        for name, number in zip(*(re.findall(r"[\w.]+", cell) for cell in (names, numbers)), strict=True)
    }
    code = "\n".join(path.read_text() for path in (ROOT / "imagelib/settings").glob("*.py"))
    names = [name for name in documented if re.search(rf"^{name} = ", code, re.MULTILINE)]
    values = settings_with(tmp_path, *names).stdout.strip().split("|")
    assert {name: float(value == "True" or value) for name, value in zip(names, values, strict=True)} == {
        name: documented[name] for name in names
    }


def settings_with(tmp_path, *names, **variables) -> subprocess.CompletedProcess:
    program = f"from django.conf import settings; print(*[getattr(settings, n) for n in {names!r}], sep='|')"
    return run_with(tmp_path, program, **variables)


def run_with(tmp_path, program, **variables) -> subprocess.CompletedProcess:
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
        ({"SENDFILE_KEY": "k"}, "analysis.storage.signed_folder.SignedFolder", "redis+socket://"),
        (
            {"SENDFILE_KEY": "k", "SIGNED_URL_SECONDS": "0"},
            "django.core.files.storage.FileSystemStorage",
            "redis+socket://",
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


def test_two_settings_are_for_a_pool_of_transactions(tmp_path):
    said = settings_with(tmp_path, "DATABASES", DATABASE_SERVER_SIDE_CURSORS="false", DATABASE_PREPARED="false").stdout
    assert ("'DISABLE_SERVER_SIDE_CURSORS': True" in said, "'prepare_threshold': None" in said) == (True, True)


def test_no_statement_sets_a_parameter_beyond_its_transaction():
    """PgBouncer may give the connection to another client next."""
    pattern = re.compile(r"""["']\s*SET (?!LOCAL )[a-z_.]+ (=|TO) """)
    assert [path.name for path in CODE if "migrations" not in path.parts and pattern.search(path.read_text())] == []


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


TIMEOUTS = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2 -c tcp_user_timeout=15000"
OPTIONS = """
from django.conf import settings
given = settings.DATABASES["default"]["OPTIONS"]
print(given["connect_timeout"], given["tcp_user_timeout"], given.get("options"), sep="|")
"""


@pytest.mark.parametrize(
    ("query", "variables", "printed"),
    [
        ("", {"PGOPTIONS": "-c lock_timeout=5s"}, f"5|15000|{TIMEOUTS} -c lock_timeout=5s"),
        (
            "?tcp_user_timeout=60000&options=-c%20jit%3Doff",
            {"PGOPTIONS": "-c jit=on"},
            f"5|60000|{TIMEOUTS} -c jit=off",
        ),
        ("", {"DATABASE_SERVER_TIMEOUTS": "false"}, "5|15000|None"),
    ],
    ids=["defaults", "set in the URL", "behind PgBouncer"],
)
def test_both_sides_of_a_database_connection_give_up_a_lost_host(tmp_path, query, variables, printed):
    url = f"postgresql://imagelib:secret@database.example.org/imagelib{query}"
    assert run_with(tmp_path, OPTIONS, DATABASE_URL=url, **variables).stdout.strip() == printed
