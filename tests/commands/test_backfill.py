"""manage.py backfill."""

import pytest
from django.core.management import call_command

from analysis.models import Backfill, Image
from tests.factories import create_bucket, create_bucket_image

pytestmark = pytest.mark.django_db


def test_command_fills_pending_columns_and_again_starts_over(owner, capsys):
    image = create_bucket_image(create_bucket(owner), "a/1.jpg")
    Backfill.objects.update_or_create(name="folders", defaults={"cursor": image.pk + 10})
    call_command("backfill")
    assert Image.objects.get().folder is None
    call_command("backfill", again=True)
    assert Image.objects.get().folder.path == "a"
    assert capsys.readouterr().out == "All columns are filled.\n" * 2
