"""Suggestions of places, folders, cameras and lenses."""

import pytest

from analysis.library.folders import get_or_create_folder
from analysis.models import Viewer
from analysis.search import field_values, results
from analysis.search.autocomplete import complete
from analysis.search.syntax.parser import parse
from tests.factories import create_image
from tests.search.test_autocomplete import complete_first, names

pytestmark = pytest.mark.django_db
PARIS = {"city": "Paris, Île-de-France, France", "camera_make": "Canon", "camera_model": "EOS 5D", "lens": "EF 35mm"}


@pytest.fixture
def viewer(owner, colleague) -> Viewer:
    create_image(owner, folder_id=get_or_create_folder("ete/juillet", owner_id=owner.pk))
    for path in ("archive/2019/summer", "archive/2019", "archive/2020"):
        create_image(owner, folder_id=get_or_create_folder(path, owner_id=owner.pk), **PARIS)
    create_image(owner, city="Lyon, Rhône, France", place='Bar "Chez Paul"', camera_make="Canon", camera_model="G7")
    create_image(owner, city="Parma, Emilia, Italy", trashed_at="2026-01-01T00:00Z")
    create_image(colleague, city="Parga, Epirus, Greece", camera_make="Leica", camera_model="Q2", lens="Noctilux")
    create_image(owner)
    return Viewer(owner.pk)


SUGGESTED = {
    "place:par": ["Paris, Île-de-France, France"],
    "place:": ["Paris, Île-de-France, France", "Lyon, Rhône, France", 'Bar "Chez Paul"'],
    "place:ile": ["Île-de-France, France"],
    "place:rhöne": ["Rhône, France"],
    "folder:été": ["ete"],
    "folder:ete/j": ["ete/juillet"],
    "place:FRAN": ["Île-de-France, France", "France"],
    "place:pargx": [],
    "folder:arch": ["archive"],
    "folder:": ["archive", "ete"],
    "folder:201": ["archive/2019"],
    "folder:archive/20": ["archive/2019", "archive/2020"],
    "camera:canon": ["Canon"],
    "camera:eos": ["EOS 5D"],
    'camera:"canon eos': ["Canon EOS 5D"],
    "camera:35": ["EF 35mm"],
    "camera:": ["EOS 5D", "G7"],
    "camera:q2": [],
    "lens:": ["EF 35mm"],
    "lens:noct": [],
    "-lens:35": ["EF 35mm"],
}


def test_values_on_visible_pictures_are_suggested(viewer):
    assert {text: names(text, viewer) for text in SUGGESTED} == SUGGESTED


COMPLETED = {
    "place:par|": 'place:"Paris, Île-de-France, France" |',
    'dog place:"chez| paul" cat': 'dog place:"Bar \\"Chez Paul\\"" |cat',
    "folder:201|": "folder:archive/2019/* |",
    "camera:eos| OR cat": 'camera:"EOS 5D" |OR cat',
}


def test_completed_values_find_their_pictures(viewer):
    assert {text: complete_first(text, viewer) for text in COMPLETED} == COMPLETED
    found = [results.count(parse(text.replace("|", "")), viewer=viewer) for text in COMPLETED.values()]
    assert found == [3, 0, 2, 3]


def test_pictures_without_values_leave_room_for_others(viewer, owner, monkeypatch):
    monkeypatch.setattr(field_values, "SAMPLE", 3)
    for _ in range(3):
        create_image(owner)
    fields = ("place:", "folder:", "camera:", "lens:")
    assert [names(field, viewer)[:1] for field in fields] == [
        ["Paris, Île-de-France, France"],
        ["archive"],
        ["EOS 5D"],
        ["EF 35mm"],
    ]


def test_nothing_is_suggested_when_the_time_is_up(viewer, monkeypatch):
    monkeypatch.setattr(field_values, "SECONDS", 0)
    assert complete("place:par", cursor=9, viewer=viewer) == []
