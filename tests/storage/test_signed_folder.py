"""Signed addresses of renditions in a folder, as nginx's secure_link checks them."""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64decode
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import override_settings

from analysis.storage import blobs
from analysis.storage.signed_folder import SignedFolder, signature
from tests.factories import create_image, create_user

KEY, HOURS = "a-key", 43_200


def nginx_accepts(url: str, *, now: float) -> bool:
    """`secure_link_md5 "$secure_link_expires$uri KEY"`, as `signature` and `until`."""
    parts = urlsplit(url)
    arguments = dict(parse_qsl(parts.query))
    expected = hashlib.md5(f"{arguments['until']}{parts.path} {KEY}".encode()).digest()
    return urlsafe_b64decode(arguments["signature"] + "==") == expected and now < int(arguments["until"])


def test_signature_is_the_one_of_the_modules_documentation():
    # printf '2147483647/s/link127.0.0.1 secret' | openssl md5 -binary | openssl base64 | tr +/ -_ | tr -d =
    assert signature("/s/link127.0.0.1", until=2_147_483_647, key="secret") == "_e4Nc3iduzkWRm01TBBNYw"


def test_an_address_is_good_for_its_file_until_it_expires(tmp_path):
    folder, before = SignedFolder(signing_key=KEY, signed_seconds=HOURS, location=tmp_path), time.time()
    url = folder.signed_url("renditions/ab/ab-thumb.webp")
    moments = (before, before + HOURS // 2 - 1, time.time() + HOURS)
    assert [nginx_accepts(url, now=moment) for moment in moments] == [True, True, False]
    assert not nginx_accepts(url.replace("ab-thumb", "cd-thumb"), now=before)
    assert not nginx_accepts(url.replace("until=", "until=9"), now=before)


@pytest.mark.django_db
def test_pages_name_the_signed_address_and_ours_behind_it(client, settings, tmp_path):
    owner = create_user()
    image = create_image(owner)
    client.force_login(owner)
    own = f"/images/{image.pk}/renditions/thumb?v={image.renditions_id.hex[:12]}"
    assert f'src="{own}"' in client.get("/").content.decode()
    options = {"signing_key": KEY, "signed_seconds": HOURS, "location": tmp_path}
    folder = {"BACKEND": "analysis.storage.signed_folder.SignedFolder", "OPTIONS": options}
    with override_settings(STORAGES=settings.STORAGES | {"default": folder}):
        page = client.get("/").content.decode()
        assert (blobs.signs_urls(), blobs.local_folder()) == (False, tmp_path)
    assert f'src="/signed-files/{blobs.rendition_key(image.renditions_id, "thumb")}?until=' in page
    assert f"#{own}" in page
