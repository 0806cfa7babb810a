"""Searches by folder and key."""

import pytest

from analysis.library.folders import clean_path, get_or_create_folder
from analysis.models import Image, Viewer
from analysis.search import results
from analysis.search.syntax.parser import parse
from analysis.search.terms import FolderTerm, folders
from tests.factories import create_image

pytestmark = pytest.mark.django_db


def put(owner, path: str, filename: str = "x.jpg", **fields) -> Image:
    folder_id = get_or_create_folder(clean_path(path), owner_id=owner.pk)
    return create_image(owner, folder_id=folder_id, filename=filename, **fields)


def search(person, text: str) -> list[int]:
    return results.image_ids(parse(text), viewer=Viewer(person.pk), limit=50)


@pytest.fixture(params=[1_000, 0], ids=["listed", "many"])
def limit(request, monkeypatch):
    """Folders as a list of ids, and as a query for the case of too many."""
    monkeypatch.setattr(folders, "MAX_FOLDERS", request.param)


@pytest.mark.usefixtures("limit")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("folder:family-archive/2019", ["a", "b"]),
        ("folder:2019", ["a", "b", "c"]),
        ("folder:FAMILY", ["a", "b"]),
        ("folder:/2019/", ["a", "b"]),
        ("folder:family-archive//2019//", ["a", "b"]),
        ("folder:2019*", ["c"]),
        ("folder:family-archive/2019/*", ["a", "b"]),
        ("folder://family-archive//2019//*", ["a", "b"]),
        ("folder:family-archive/2019/summer/*", ["b"]),
        ("-folder:2019", ["d"]),
        ("folder:2019 OR name:d", ["a", "b", "c", "d"]),
        ("key:summer/b", ["b"]),
        ("key:2019//summer//b", ["b"]),
        ("key:2019/a.jpg", ["a"]),
        ("key:/a", ["a"]),
        ("key:family-archive/2019/a*", ["a"]),
        ("key:d*", ["d"]),
        ("key:jpg", ["a", "b", "c", "d"]),
        ("folder:nothing", []),
    ],
)
def test_folders_are_found_by_part_and_by_prefix(owner, text, expected):
    put(owner, "family-archive/2019", "a.jpg")
    put(owner, "family-archive/2019/summer", "b.jpg")
    put(owner, "2019-old", "c.jpg")
    create_image(owner, filename="d.jpg")
    names = Image.objects.filter(pk__in=search(owner, text)).order_by("filename").values_list("filename", flat=True)
    assert [name[0] for name in names] == expected


@pytest.mark.parametrize("name", ["100%", "a_b", 'it\'s "quoted"', "back\\slash", "📷 été", "ü" * 900, "(x) OR -y:*"])
def test_hostile_names_are_found_exactly(owner, name):
    clean = clean_path(name.replace("\\", "_"))
    image = put(owner, f"top/{clean}")
    put(owner, "top/other")
    for term in (FolderTerm(clean), FolderTerm(f"top/{clean}/", is_prefix=True)):
        assert search(owner, str(term)) == [image.pk]


def test_composed_and_decomposed_letters_are_one(owner):
    image = put(owner, "e\u0301te\u0301")
    assert search(owner, "folder:été") == search(owner, "folder:e\u0301te\u0301") == [image.pk]


@pytest.mark.parametrize("text", ["folder:ete", "folder:ete/*", "key:ete/x", "key:ete/*", "folder:ÊTE OR name:y"])
def test_folders_are_found_without_accents(owner, text):
    image = put(owner, "été", "x.jpg")
    put(owner, "hiver")
    assert search(owner, text) == [image.pk]


def test_searches_by_folder_find_visible_pictures_only(owner, stranger):
    put(owner, "secret")
    shared = put(owner, "secret", visibility=Image.Visibility.SHARED)
    assert search(stranger, "folder:secret") == search(stranger, "key:secret/") == [shared.pk]


def test_trash_is_found_by_folder(owner):
    trashed = put(owner, "top", trashed_at="2026-01-01T00:00Z")
    assert search(owner, "folder:top is:trashed") == [trashed.pk]


def test_words_of_the_terms():
    assert [part.describe() for part in parse("folder:a key:b*").parts] == ["folder contains a", "key starts with b"]
