"""Edits of title, description, date and place, and their undo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analysis.curation import bulk, metadata_edits
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.library.file_values import keep_edits
from analysis.models import BulkChange, City, Image
from analysis.search import results
from analysis.search.syntax.parser import parse
from tests.factories import create_image

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
NOON = datetime(2021, 6, 5, 12, 30, tzinfo=UTC)


def apply(images, edit, *, by=None) -> BulkChange:
    person = by or images[0].owner
    selection = Selection(person, ids=tuple(image.pk for image in images))
    return bulk.apply(selection, BulkChange.Action.EDIT, edit=edit)


def row(image, *columns):
    return Image.objects.values_list(*columns).get(pk=image.pk)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"title": "  a \n b\u202e "}, {"title": ["a b"]}),
        ({"title": " \t\n"}, {"title": [""]}),
        ({"title": "שלום"}, {"title": ["שלום"]}),
        ({"title": "x" * 200, "place": ""}, {"title": ["x" * 200], "place": [""]}),
        ({"description": "y" * 2_000}, {"description": ["y" * 2_000]}),
        ({"title": "x" * 10_000}, "A title can have at most 200 characters; this one has 10,000."),
        ({"place": "x" * 201}, "A place can have at most 200 characters; this one has 201."),
        ({"description": "y" * 2_001}, "A description can have at most 2,000 characters; this one has 2,001."),
    ],
    ids=["cleaned", "spaces", "right-to-left", "longest", "description", "title", "place", "long-description"],
)
def test_texts_are_cleaned_and_bounded(arguments, expected):
    if isinstance(expected, str):
        with pytest.raises(ActionRefused) as refusal:
            metadata_edits.text_edit(**arguments)
        assert str(refusal.value) == expected
    else:
        assert metadata_edits.text_edit(**arguments) == expected


@pytest.mark.parametrize(
    ("clock", "offset", "expected"),
    [
        (datetime(2021, 6, 5, 12, 30, tzinfo=UTC), 120, {"taken": ["2021-06-05T12:30:00+00:00", 120]}),
        (datetime(1801, 1, 1, tzinfo=UTC), None, {"taken": ["1801-01-01T00:00:00+00:00", None]}),
        (datetime(2026, 5, 4, 11, tzinfo=UTC), None, {"taken": ["2026-05-04T11:00:00+00:00", None]}),
        (None, None, {"taken": [None, None]}),
        (datetime(1, 1, 1, tzinfo=UTC), None, "Enter a date after the year 1800."),
        (
            datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
            None,
            "This date is in the future. Enter the date the picture was taken.",
        ),
        (datetime(2021, 6, 5, tzinfo=UTC), 841, "A time zone is at most 14 hours from UTC."),
    ],
    ids=["offset", "first", "tomorrow", "none", "year-1", "year-9999", "offset-too-large"],
)
def test_dates_are_bounded(clock, offset, expected):
    if isinstance(expected, str):
        with pytest.raises(ActionRefused) as refusal:
            metadata_edits.taken_edit(clock, offset, now=NOW)
        assert str(refusal.value) == expected
    else:
        assert metadata_edits.taken_edit(clock, offset, now=NOW) == expected


def test_edit_keeps_what_the_file_says_until_reset(owner):
    image = create_image(owner, title="From the file", taken_at=NOON, taken_offset=60)
    apply([image], metadata_edits.text_edit(title="Mine") | metadata_edits.taken_edit(None, None, now=NOW))
    in_file = {"title": ["From the file"], "taken": [NOON.isoformat(), 60]}
    assert row(image, "title", "taken_at", "taken_offset", "file_values") == ("Mine", None, None, in_file)
    apply([image], metadata_edits.text_edit(title="Mine again"))
    assert row(image, "title", "file_values") == ("Mine again", in_file)
    apply([image], {"reset": ["title", "taken", "place"]})
    assert row(image, "title", "taken_at", "taken_offset", "file_values") == ("From the file", NOON, 60, None)


def test_edit_is_undone_unless_the_value_changed_since(owner):
    images = [create_image(owner, title=title) for title in ("One", "Two", "Same")]
    change = apply(images, metadata_edits.text_edit(title="Same"))
    assert (change.number, change.unchanged) == (2, 1)
    apply([images[1]], metadata_edits.text_edit(title="Later"))
    assert bulk.undo(change.pk, by=owner).number == 1
    assert [row(image, "title", "file_values") for image in images] == [
        ("One", None),
        ("Later", {"title": ["Two"]}),
        ("Same", None),
    ]


def test_undo_of_a_reset_restores_the_edit(owner):
    image = create_image(owner, title="From the file")
    apply([image], metadata_edits.text_edit(title="Mine"))
    change = apply([image], {"reset": ["title"]})
    bulk.undo(change.pk, by=owner)
    assert row(image, "title", "file_values") == ("Mine", {"title": ["From the file"]})


def test_dates_are_moved_where_there_is_one(owner):
    images = [create_image(owner, taken_at=taken_at) for taken_at in (NOON, None, datetime(1801, 1, 1, tzinfo=UTC))]
    change = apply(images, metadata_edits.shift_edit(timedelta(hours=-1, minutes=-30)))
    assert change.number == 1
    assert [row(image, "taken_at")[0] for image in images] == [
        NOON.replace(hour=11, minute=0),
        None,
        images[2].taken_at,
    ]
    for span in (timedelta(), timedelta(days=999_999)):
        with pytest.raises(ActionRefused):
            metadata_edits.shift_edit(span)


def test_place_is_found_and_names_its_city(owner):
    City.objects.create(names="Paris, Île-de-France, France", latitude=48.85, longitude=2.35, population=2_000_000)
    image = create_image(owner)
    apply([image], metadata_edits.location_edit(48.8584, 2.2945) | metadata_edits.text_edit(place="Eiffel Tower"))
    assert row(image, "city", "place") == ("Paris, Île-de-France, France", "Eiffel Tower")
    viewer = Selection(owner).viewer
    for query in ("near:48.86,2.29,1km", "place:eiffel"):
        assert [match.pk for match in results.page(parse(query), viewer=viewer, size=5).images] == [image.pk]
    apply([image], {"reset": ["location"]})
    assert row(image, "city", "latitude") == ("", None)
    with pytest.raises(ActionRefused):
        metadata_edits.location_edit(90.1, 0)


def test_only_own_pictures_are_edited(owner, colleague):
    image = create_image(owner, visibility=2)
    change = apply([image], metadata_edits.text_edit(title="Mine"), by=colleague)
    assert (change.number, change.refused, row(image, "title")) == (0, 1, ("",))


def test_file_that_is_read_again_changes_no_edited_field():
    image = Image(title="Mine", file_values={"title": ["Old"], "location": [1.0, 2.0]})
    columns = {"title": "New", "latitude": 3.0, "longitude": 4.0, "city": "Rome", "place": "There"}
    assert keep_edits(image, columns) == {
        "place": "There",
        "file_values": {"title": ["New"], "location": [3.0, 4.0]},
    }
    assert keep_edits(Image(), columns) == columns
