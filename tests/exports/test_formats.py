"""Export formats: content, escaping and bounds, read by the formats' own readers."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import unicodedata
import zipfile
from contextlib import redirect_stdout
from dataclasses import replace

import boto3
import pytest
from PIL import Image as Pillow

from analysis import pipeline
from analysis.curation import verdicts
from analysis.exports import csv_table, json_formats
from analysis.exports.formats import FORMATS
from analysis.exports.image_rows import ImageRow, LabelRow, Options, image_rows, selected_rows
from analysis.exports.picture_archives import ERRORS_FILE, UsedNames
from analysis.ingest.xmp import parse_packet
from analysis.models import Image, Label, Viewer
from analysis.recognition.reindex_images import reindex
from analysis.search.query import Query
from analysis.search.syntax.parser import parse
from analysis.storage import blobs
from tests import pictures
from tests.factories import create_analysis, create_image, create_labeled_image

pytestmark = pytest.mark.django_db
EVERYTHING = Viewer(sees_all=True)
BOX = {"BoundingBox": {"Left": 0.1, "Top": 0.2, "Width": 0.5, "Height": 0.25}, "Confidence": 90.0}


def labels_response(**instances) -> dict:
    labels = [
        {
            "Name": name,
            "Confidence": 95.0,
            "Instances": boxes,
            "Parents": [],
            "Aliases": [],
            "Categories": [{"Name": "Animals"}],
        }
        for name, boxes in instances.items()
    ]
    return {"Labels": labels, "LabelModelVersion": "3.0"}


@pytest.fixture
def dog(owner) -> Image:
    """A stored picture with one boxed label and one without."""
    file = io.BytesIO(pictures.encoded(pictures.photo(), "jpeg"))
    image = pipeline.ingest_file(file, name="dog.jpg", owner_id=owner.pk).image
    image.analyses.all().delete()
    create_analysis(image, state="done", answer=labels_response(Dog=[BOX], Outdoors=[]))
    reindex([image.pk])
    return image


@pytest.fixture
def moto_dynamodb(moto):
    """A table of moto's server, whose key is ImageID as in the tutorials."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
    client = boto3.session.Session().client("dynamodb", endpoint_url=moto, **keys)
    client.create_table(
        TableName="labels",
        KeySchema=[{"AttributeName": "ImageID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "ImageID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield client
    client.close()


def rows(text: str = "", *, viewer: Viewer = EVERYTHING, has_boxes: bool = True, **options) -> list[ImageRow]:
    return list(image_rows(parse(text), viewer=viewer, options=Options(**options), has_boxes=has_boxes))


def written(name: str, text: str = "", **options) -> bytes:
    return b"".join(FORMATS[name].write(rows(text, has_boxes=FORMATS[name].has_boxes, **options)))


def test_json_lines_hold_each_picture_with_labels_and_boxes(dog):
    [line] = written("jsonl").decode().splitlines()
    values = json.loads(line)
    assert (values["id"], values["filename"], values["sha256"]) == (dog.pk, "dog.jpg", dog.sha256)
    label = values["labels"][0]
    assert (label["name"], label["confidence"], label["boxes"]) == ("Dog", 95.0, [[0.1, 0.2, 0.5, 0.25, 90.0]])
    assert "boxes" not in values["labels"][1]
    assert json.loads(written("json")) == [values]


def test_labels_of_people_and_recognizers_can_be_told_apart(dog, owner):
    outdoors = Label.objects.get(name="Outdoors")
    verdicts.reject(dog.pk, label_id=outdoors.pk, by_id=owner.pk)
    verdicts.add(dog.pk, name="Rex", by_id=owner.pk)

    def names(**options) -> set[str]:
        return {label.name for row in rows(**options) for label in row.labels}

    assert names() == {"Dog", "Rex"}
    assert names(source="machine") == {"Dog", "Outdoors"}
    assert names(source="person") == {"Rex"}
    assert names(kinds=frozenset({"tag"})) == {"Rex"}
    assert names(min_confidence=96) == {"Rex"}


def test_only_visible_pictures_of_the_search_are_exported(owner, colleague):
    own = create_labeled_image(owner, {"Dog": 99.0})
    create_labeled_image(owner, {"Cat": 99.0})
    create_labeled_image(colleague, {"Dog": 99.0})
    viewer = Viewer(user_id=owner.pk)
    assert [row.image.pk for row in rows("dog", viewer=viewer)] == [own.pk]
    ids = list(Image.objects.values_list("pk", flat=True))
    assert len(list(selected_rows(ids, viewer=viewer, options=Options()))) == 2


def test_csv_opens_in_a_spreadsheet_and_runs_nothing(owner):
    image = create_image(owner, filename="=HYPERLINK(1).jpg")
    for name in ('=HYPERLINK("http://example.org")', "+1", "@cmd", "-2", 'Größe; "quoted"\nline'):
        verdicts.add(image.pk, name=name, by_id=owner.pk)
    content = written("csv")
    assert content.startswith(b"\xef\xbb\xbf")
    table = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len(table) == 5
    assert {row["filename"] for row in table} == {"'=HYPERLINK(1).jpg"}
    assert not any(value.startswith(csv_table.FORMULA_STARTS) for row in table for value in row.values())
    assert [row["width"] for row in table] == ["1200"] * 5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("-2", "'-2"),
        ("\tx", "'\tx"),
        ("\n=x", "'\n=x"),
        ("Dog", "Dog"),
        (-2.5, "-2.5"),
        (None, ""),
    ],
)
def test_texts_that_look_like_formulas_are_escaped(value, text):
    assert csv_table.cell(value) == text


def test_csv_lists_pictures_without_labels(owner):
    image = create_image(owner)
    [row] = csv.DictReader(io.StringIO(written("csv").decode("utf-8-sig")))
    assert (row["image_id"], row["label"]) == (str(image.pk), "")


def test_coco_is_loaded_by_pycocotools(dog, tmp_path):
    from pycocotools.coco import COCO

    path = tmp_path / "coco.json"
    path.write_bytes(written("coco"))
    with redirect_stdout(io.StringIO()):
        coco = COCO(str(path))
    [annotation] = coco.loadAnns(coco.getAnnIds(imgIds=[dog.pk]))
    assert coco.loadCats(annotation["category_id"])[0]["name"] == "Dog"
    expected = [0.1 * dog.width, 0.2 * dog.height, 0.5 * dog.width, 0.25 * dog.height]
    assert annotation["bbox"] == pytest.approx(expected, abs=0.01)
    assert (annotation["score"], coco.loadImgs(dog.pk)[0]["file_name"]) == (0.9, "dog.jpg")


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_a_whole_file(name, db):
    content = written(name)
    if name in {"json", "names"}:
        assert json.loads(content) == []
    elif name == "coco":
        assert json.loads(content)["images"] == []
    elif FORMATS[name].extension == "zip":
        assert zipfile.ZipFile(io.BytesIO(content)).namelist() == []
    else:
        assert content.count(b"\n") == (name == "csv")


def test_file_names_with_labels_as_the_tutorials_have_them(dog):
    expected = [{"Name": "Dog", "Confidence": 95.0}, {"Name": "Outdoors", "Confidence": 95.0}]
    assert json.loads(written("names")) == [{"file_name": "dog.jpg", "labels": expected}]


def test_dynamodb_items_keep_to_the_limit_and_say_what_is_left_out(owner):
    labels = tuple(LabelRow(0, f"Label {number}" + "x" * 190, "label", "", 90.0, 0, None) for number in range(3_000))
    row = ImageRow(create_image(owner, filename="dog.jpg"), labels)
    [line] = b"".join(json_formats.dynamodb_lines([row])).splitlines()
    assert len(line) <= 400_000
    item = json.loads(line)["Item"]
    assert len(item["labels"]["L"]) + int(item["labels_left_out"]["N"]) == 3_000
    assert item["filename"] == {"S": "dog.jpg"}


def test_dynamodb_items_are_stored_by_dynamodb(dog, moto_dynamodb):
    moto_dynamodb.put_item(TableName="labels", Item=json.loads(written("dynamodb"))["Item"])
    [item] = moto_dynamodb.scan(TableName="labels")["Items"]
    assert item["filename"] == {"S": "dog.jpg"}
    assert item["labels"]["L"][0]["M"]["Name"] == {"S": "Dog"}


def test_sidecars_are_read_back_by_our_own_reader(dog, owner):
    verdicts.add(dog.pk, name="<Rex & \x0b co>", by_id=owner.pk)
    Image.objects.filter(pk=dog.pk).update(title="A “dog”\uffff")
    archive = zipfile.ZipFile(io.BytesIO(written("xmp")))
    assert archive.namelist() == ["dog.jpg.xmp"]
    read = parse_packet(archive.read("dog.jpg.xmp")).descriptive
    assert read.title == "A “dog”"
    assert {"Dog", "Outdoors"} < set(read.keywords)


def test_originals_come_byte_for_byte_and_missing_ones_are_named(dog, owner):
    with blobs.get(dog.key) as file:
        original = file.read()
    create_image(owner, filename="gone.jpg")
    archive = zipfile.ZipFile(io.BytesIO(written("originals")))
    assert set(archive.namelist()) == {"dog.jpg", "errors.txt"}
    assert archive.read("dog.jpg") == original
    assert b"gone.jpg" in archive.read("errors.txt")


def test_equal_names_do_not_replace_one_another(owner):
    for seed in (1, 2):
        file = io.BytesIO(pictures.encoded(pictures.photo(seed), "jpeg"))
        pipeline.ingest_file(file, name="a.jpg", owner_id=owner.pk)
    names = zipfile.ZipFile(io.BytesIO(written("originals"))).namelist()
    assert len(set(names)) == 2
    assert "a.jpg" in names


@pytest.mark.parametrize("content", [b"", b"damaged", pictures.encoded(pictures.photo(), "jpeg")[:900]])
@pytest.mark.parametrize("name", ["annotated", "previews"])
def test_damaged_previews_are_named(name, content, dog):
    (blobs.local_folder() / blobs.rendition_key(dog.renditions_id, "preview")).write_bytes(content)
    blurred = [replace(row, is_blurred=True) for row in rows()]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(FORMATS[name].write(blurred))))
    assert archive.namelist() == [ERRORS_FILE]
    assert b"dog.jpg" in archive.read(ERRORS_FILE)


@pytest.mark.parametrize(
    "names",
    [
        ["a.jpg", "a.jpg", "a ({second}).jpg"],
        ["a ({third}).jpg", "a.jpg", "a.jpg"],
        ["errors.txt", "errors.txt"],
        ["\u00e9.jpg", "e\u0301.jpg"],  # one name for macOS
    ],
    ids=["name with an id", "name with an id first", "list of errors", "decomposed"],
)
def test_no_name_is_in_an_archive_twice(names, owner):
    images = [create_image(owner) for _ in names]
    numbers = {"second": images[1].pk, "third": images[-1].pk}
    for image, name in zip(images, names, strict=True):
        image.filename = name.format(**numbers)
        image.save()
    used = UsedNames()
    entries = [used.unique(ImageRow(image, ())) for image in images] + [ERRORS_FILE]
    assert len({unicodedata.normalize("NFC", entry).lower() for entry in entries}) == len(entries)


def test_annotated_pictures_differ_inside_the_box_alone(dog):
    archive = zipfile.ZipFile(io.BytesIO(written("annotated")))
    [name] = archive.namelist()
    picture = Pillow.open(io.BytesIO(archive.read(name)))
    assert (picture.format, name) == ("JPEG", "dog.jpg.jpg")
    left, top = round(0.1 * picture.width), round(0.2 * picture.height + 0.25 * picture.height / 2)
    teal = picture.getpixel((left + 1, top))
    assert teal[0] < 60 < teal[1]


def test_memory_does_not_grow_with_the_library(owner):
    images = [create_image(owner) for _ in range(300)]
    label = Label.objects.create(kind="tag", name="Tag")
    for image in images:
        image.image_labels.create(
            label=label, owner=owner, sort_time=image.added_at, confidence=9_000, visibility=0, instance_count=0
        )

    def peak(step: int) -> int:
        tracemalloc.start()
        for name in ("jsonl", "csv", "coco"):
            rows = image_rows(Query(), viewer=EVERYTHING, options=Options())
            for _chunk in FORMATS[name].write(row for number, row in enumerate(rows) if number % step == 0):
                pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    few = peak(10)
    assert peak(1) < few * 1.5 + 500_000


def test_keys_of_originals_are_named_to_their_owners_only(owner, colleague):
    image = create_image(owner, filename="gone.jpg", visibility=Image.Visibility.SHARED)
    for viewer, is_named in ((Viewer(owner.pk), True), (Viewer(colleague.pk), False), (EVERYTHING, True)):
        rows = list(image_rows(Query(), viewer=viewer, options=Options()))
        archive = zipfile.ZipFile(io.BytesIO(b"".join(FORMATS["originals"].write(rows))))
        errors = archive.read("errors.txt").decode()
        assert ("gone.jpg" in errors, image.key in errors) == (True, is_named)
