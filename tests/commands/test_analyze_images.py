import pytest
from django.core.management import CommandError, call_command

from analysis.models import Analysis
from tests.factories import an_image

pytestmark = pytest.mark.django_db


def test_detached_it_queues_and_returns(owner, capsys):
    an_image(owner)
    call_command("analyze_images", detach=True)
    assert capsys.readouterr().out == "3 analyses queued for local.\n"
    call_command("analyze_images", detach=True)
    assert capsys.readouterr().out == "0 analyses queued for local.\n"
    assert sorted(Analysis.objects.values_list("api", flat=True)) == ["faces", "labels", "text"]


@pytest.mark.parametrize(
    ("apis", "message"),
    [
        ("celebrities", "--apis: local has labels, faces, text; it has no celebrities."),
        ("labels,smell", "--apis: local has labels, faces, text; it has no smell."),
        (" ,", "--apis: local has labels, faces, text; it has no empty list."),
    ],
)
def test_wrong_usage(db, apis, message):
    with pytest.raises(CommandError) as caught:
        call_command("analyze_images", apis=apis)
    assert (str(caught.value), caught.value.returncode) == (message, 2)


def test_what_is_paid_for_is_estimated(owner, rekognition, capsys):
    for _ in range(20):
        an_image(owner)
    call_command("analyze_images", detach=True)
    assert capsys.readouterr().out == "20 analyses queued for rekognition, at most 0.04 US dollars.\n"
