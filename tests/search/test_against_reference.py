"""Random queries over random libraries: SQL and plain Python agree."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.library.duplicate_flags import mark_all_duplicates
from analysis.library.folders import get_or_create_folder
from analysis.models import (
    Collection,
    CollectionImage,
    CollectionMember,
    FileKeyword,
    Image,
    Label,
    LabelAlias,
    Rating,
    Verdict,
    Viewer,
)
from analysis.recognition.reindex_ancestors import refresh_all
from analysis.recognition.reindex_images import reindex
from analysis.search import results as search
from analysis.search import terms
from analysis.search.label_counts import refresh_label_counts
from analysis.search.query import SORTS, Query
from tests import rekognition_responses
from tests.factories import START, create_analysis, create_bucket, create_embedding, create_image, create_user
from tests.search import reference_search

pytestmark = pytest.mark.django_db

NAMES = ["Dog", "Cat", "Person", "Grass", "Car", *(f"Dwarf {number}" for number in range(10)), "Straße", "Cat Grass"]
PARENTS = [("Dwarf 4", "Person"), ("Dwarf 5", "Dwarf 4"), ("Grass", "Dwarf 6"), ("Dwarf 3", "Dwarf 7")]
PARENTS += [("Dwarf 7", "Dwarf 8"), ("Dwarf 8", "Dwarf 9"), ("Dwarf 9", "Dwarf 3")]  # a circle
CATEGORIES = ["Animals and Pets", "Person Description", "Nature"]
TRAITS = ["Smile", "Eyes Open", "Female", "Happy", "Calm"]
WORDS = ["one", "way", "stop", "exit", "A-1", "b/2.c", "京都駅", "1", "Café", "Ťè-9"]
SEARCHED_WORDS = [*WORDS, "a", "2", "都", "a1", "cafe", "CAFE\u0301", "TÈ9"]
CAMERAS = ["Canon", "Nikon 100%", ""]
TAGS = ["holiday", "_draft", "dog"]
FOLDERS = ["Top", "top/sub", "Top/sub/100%_ö", 'a_b/it\'s "x"/📷', "top2", None, None]
PATHS = [
    "top",
    "/top/",
    "Top/",
    "top/sub/",
    "//top//sub",
    "ub/1",
    "%",
    "_",
    "o\u0308",
    "_O",
    "\u0301",
    "it's",
    "📷/",
    "/",
    "//",
    "no",
    "📷/z",
    "TOP/s",
]
COLLECTIONS = ["Trips", "Trips/Paris 100%", "trips/Rome", "Tripsy", "It's/Trips/x_y"]
COLLECTION_NAMES = [
    "trips",
    "trìps",
    "Trips/",
    " trips / paris  100%",
    "Paris 100%",
    "Trip",
    "x_y",
    "it's",
    "%",
    "/",
    "Rome/x",
]
PICTURES = 45
MOMENT = START + timedelta(days=60)

OTHER_FORMS = [
    "dogs",
    "cats",
    "holidays",
    "Strasse",
    "kitty",
    "automobiles",
    "people",
    "puppy",
    "humàn",
    "cat-grass",
    "dogs,",
    "Cat!",
]
names = st.sampled_from([*NAMES, *OTHER_FORMS, "Human", "holiday", "_draft", "hidden", "Red", "nobody"]).flatmap(
    lambda name: st.sampled_from([name, name.lower(), name.upper()])
)
days = st.dates(START.date() - timedelta(days=5), START.date() + timedelta(days=70))
maybe_days = st.none() | days


def between(values):
    return st.tuples(st.none() | values, st.none() | values)


matches = st.one_of(
    st.builds(terms.NameTerm, st.sampled_from(["A", "b.j", "%", "_", "ö", "_o.", "ä", "\u0301", "tîtle"])),
    st.builds(terms.CameraTerm, st.sampled_from(["canon", "100%", "o", "Ñikon"])),
    st.builds(terms.FolderTerm, st.sampled_from(PATHS), st.booleans()),
    st.builds(terms.CollectionTerm, st.sampled_from(COLLECTION_NAMES)),
    st.builds(terms.KeyTerm, st.sampled_from([*PATHS, "a.jpg", "/a", "Top/100%_ö", "sub/b.", "A"]), st.booleans()),
    st.builds(terms.DayTerm, st.integers(1, 3), st.integers(1, 28)) | st.just(terms.DayTerm()),
    st.builds(terms.PlaceTerm, st.sampled_from(["hall", "%", "öst", "oster", "xativa", "Håll", "x"])),
    st.builds(
        terms.NearTerm,
        st.sampled_from([1.4, -90.0, 90.0, 48.9, -48.85]),
        st.sampled_from([3.1, 180.0, -180.0, 0.0, -177.65]),
        st.sampled_from([0.5, 15.0, 300.0, 5_000.0, 20_100.0]),
    ),
    st.builds(
        terms.BoxTerm,
        st.sampled_from([-90.0, 1.0, 48.0]),
        st.sampled_from([-180.0, 2.0, 179.0]),
        st.sampled_from([49.0, 90.0]),
        st.sampled_from([-179.0, 2.5, 180.0]),
    ),
    st.builds(terms.FormatTerm, st.sampled_from(["jpg", "PNG", "gif"])),
)
leaves = st.one_of(
    st.builds(
        terms.LabelTerm,
        names,
        kind=st.sampled_from(["", "", "label", "tag", "color", "emotion", "face"]),
        minimum=st.sampled_from([0, 0, 70, 90.5, 99]),
        is_exact=st.booleans(),
    ),
    st.builds(terms.LabelTerm, st.sampled_from(["d", "D", "Dwarf", "hu", "c"]), is_prefix=st.just(True)),
    st.builds(terms.CategoryTerm, st.sampled_from([*CATEGORIES, "animals and pets", "none"])),
    st.builds(terms.CountTerm, names, st.integers(0, 3), st.none() | st.integers(0, 3), is_exact=st.booleans()),
    st.builds(
        terms.FaceTerm,
        st.lists(st.sampled_from([*TRAITS, "smile", "eyes open"]), max_size=2, unique=True).map(tuple),
        st.none() | st.integers(0, 60),
        st.none() | st.integers(0, 60),
    ),
    st.builds(terms.TextTerm, st.lists(st.sampled_from(SEARCHED_WORDS), min_size=1, max_size=2).map(" ".join)),
    matches,
    st.builds(terms.Or, st.lists(matches, min_size=2, max_size=3, unique=True).map(tuple)),
    st.builds(terms.OwnerTerm, st.sampled_from(["me", "Owner", "colleague", "nobody"])),
    st.builds(terms.BucketTerm, st.sampled_from(["PHOTO", "os", "%", "any"])),
    st.builds(
        lambda field, ends: terms.RangeTerm(field, *ends),
        st.sampled_from(["size", "width", "height"]),
        between(st.sampled_from([100, 1000, 3000])),
    ),
    st.builds(
        lambda field, ends: terms.RangeTerm(field, *ends),
        st.sampled_from(["iso", "aperture", "exposure", "focal"]),
        between(st.sampled_from([0.004, 2.8, 35, 100])),
    ),
    st.builds(terms.LensTerm, st.sampled_from(["35", "zoom", "%"])),
    st.builds(lambda ends: terms.RangeTerm("rating", *ends), between(st.integers(1, 5))),
    st.builds(
        lambda field, ends: terms.RangeTerm(field, *ends),
        st.sampled_from(["quality", "brightness", "sharpness", "contrast"]),
        between(st.sampled_from([20, 50, 80])),
    ),
    st.builds(terms.DateTerm, st.sampled_from(["added", "taken"]), maybe_days, maybe_days),
    st.builds(
        terms.RelativeDateTerm,
        st.sampled_from(["added", "taken"]),
        st.integers(1, 9),
        st.sampled_from(["day", "week", "month", "year"]),
    ),
    st.builds(terms.OrientationTerm, st.sampled_from(["landscape", "portrait", "square"])),
    st.builds(terms.StateTerm, st.sampled_from(terms.StateTerm.STATES)),
    st.builds(terms.HasTerm, st.sampled_from(terms.HasTerm.FEATURES)),
    st.builds(terms.SourceTerm, st.sampled_from(terms.SourceTerm.SOURCES)),
    st.builds(terms.ModelTerm, st.sampled_from(["3.0", "3.1"])),
    st.builds(terms.NearDuplicateTerm, st.integers(0, PICTURES - 1)),
    st.builds(terms.SimilarTerm, st.integers(0, PICTURES - 1)),
)
nodes = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(terms.Not, inner),
        st.builds(terms.And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(terms.Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)
common_labels = st.builds(
    terms.LabelTerm, st.sampled_from(["Dog", "Cat", "Person", "Car"]), minimum=st.sampled_from([0, 0, 70])
)
label_lists = st.lists(common_labels | st.builds(terms.Not, common_labels), min_size=2, max_size=3, unique=True)
typed_words = st.lists(
    st.builds(
        terms.LabelTerm,
        st.sampled_from(
            [*OTHER_FORMS, "on", "the", "2026", "cat", "grass", "grasses", "dwarf", "1", "straße", "nobody"]
        ),
        minimum=st.sampled_from([0, 0, 0, 70]),
        is_exact=st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=4,
    unique=True,
)
queries = st.builds(Query, st.lists(nodes, max_size=4, unique=True).map(tuple), st.sampled_from(SORTS))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sql_equals_plain_python(seed):
    owner, colleague = create_user("Owner"), create_user("colleague")
    ids = _fill(random.Random(seed), [owner, colleague])
    people = [Viewer(pk) for pk in (owner.pk, colleague.pk, None)]
    staff = [Viewer(sees_all=True), Viewer(owner.pk, sees_all=True)]
    libraries = [reference_search.library(viewer, MOMENT) for viewer in (*people, *staff)]
    trashed = list(Image.objects.exclude(trashed_at=None).values_list("pk", flat=True))

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(queries, st.sampled_from(libraries), st.sampled_from([2, 7, 12, 30, 3_000]))
    def check(query: Query, library: reference_search.Library, budget: int) -> None:
        query = _with_ids(query, ids)
        expected = reference_search.reference_results(query, library)
        assert _all_pages(query, library.viewer, budget, size=7) == expected
        if expected:
            position = len(expected) * 2 // 3
            before = _page_until(query, library.viewer, budget, position=position, size=7)
            assert before == expected[max(0, position - 6) : position + 1]
        bounds = {"viewer": library.viewer, "moment": MOMENT, "budget": budget}
        assert search.count(query, cap=PICTURES, **bounds) == len(expected)
        assert search.count(query, cap=3, **bounds) == min(len(expected), 4)
        matching = search.Search(query, library.viewer, moment=MOMENT).matching(ids)
        assert matching == set(expected) - set(trashed)

    check()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_label_scans_equal_plain_python(seed):
    """Pages of three images, of which the first scan finds some, so it continues."""
    owner = create_user("Owner")
    _fill(random.Random(seed), [owner])
    refresh_label_counts()
    library = reference_search.library(Viewer(owner.pk), MOMENT)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(label_lists, st.sampled_from(["taken", "taken-oldest", "newest", "oldest"]), st.sampled_from([7, 12, 20]))
    def check(parts, sort: str, budget: int) -> None:
        query = Query(tuple(parts), sort)
        expected = reference_search.reference_results(query, library)
        assert _all_pages(query, library.viewer, budget, size=3) == expected
        assert search.count(query, viewer=library.viewer, budget=budget // 4, cap=4) == min(len(expected), 5)

    check()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_typed_words_equal_plain_python(seed):
    """Plurals, accents, synonyms, neighbors and stop words, alone and in groups."""
    owner, colleague = create_user("Owner"), create_user("colleague")
    _fill(random.Random(seed), [owner, colleague])
    people = [Viewer(owner.pk), Viewer(colleague.pk), Viewer(), Viewer(owner.pk, sees_all=True)]
    libraries = [reference_search.library(viewer, MOMENT) for viewer in people]

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(typed_words, typed_words, st.sampled_from(["all", "any", "not"]), st.sampled_from(range(len(people))))
    def check(words, others, group: str, person: int) -> None:
        kind = {"all": terms.all_of, "any": terms.any_of, "not": lambda parts: terms.Not(terms.all_of(parts))}[group]
        query, library = Query((*words, kind(others))), libraries[person]
        assert _all_pages(query, library.viewer, 12, size=30) == reference_search.reference_results(query, library)

    check()


def test_iter_ids_returns_every_match_once(owner):
    ids = _fill(random.Random(4), [owner])
    query, viewer = Query((terms.Not(terms.LabelTerm("Dog")),), sort="size"), Viewer(owner.pk)
    steps = list(search.iter_ids(query, viewer=viewer, step=4))
    expected = reference_search.reference_results(query.sorted_by("newest"), reference_search.library(viewer, MOMENT))
    assert [pk for step in steps for pk in step] == expected
    assert {len(step) for step in steps[:-1]} == {4}
    assert set(expected) < set(ids)


def _all_pages(query: Query, viewer: Viewer, budget: int, *, size: int) -> list[int]:
    ids, after = list[int](), None
    while True:
        page = search.page(query, viewer=viewer, after=after, size=size, moment=MOMENT, budget=budget)
        ids += [image.pk for image in page.images]
        if page.next is None:
            return ids
        after = search.Cursor.from_text(str(page.next))


def _page_until(query: Query, viewer: Viewer, budget: int, *, position: int, size: int) -> list[int]:
    """The ids of the page that ends at a position of the result."""
    result = search.Search(query, viewer, moment=MOMENT, budget=budget)
    *_, (image_id, key) = result.keys(limit=position + 1)
    start, number = result.page_until(search.Cursor(key, image_id), size=size)
    return [pk for pk, _ in result.keys(limit=number, after=start)]


def _with_ids(query: Query, ids: list[int]) -> Query:
    """Replace positions in the library by ids in `like:` and `similar:`."""
    public_ids = {pk: str(public_id) for pk, public_id in Image.objects.values_list("pk", "public_id")}

    def replacing(node):
        match node:
            case terms.NearDuplicateTerm(index):
                return terms.NearDuplicateTerm(ids[index])
            case terms.SimilarTerm(index):
                return terms.SimilarTerm(public_ids[ids[index]] if index % 3 == 0 else str(ids[index]))
            case terms.Not(part):
                return terms.Not(replacing(part))
            case terms.And(parts) | terms.Or(parts):
                return type(node)(tuple(replacing(part) for part in parts))
        return node

    return Query(tuple(dict.fromkeys(replacing(part) for part in query.parts)), query.sort)


def _fill(rng: random.Random, people) -> list[int]:
    Label.objects.create(kind="label", name="hidden", is_hidden=True)
    tags = [Label.objects.create(kind="tag", name=name) for name in TAGS]
    images = [_picture(rng, rng.choice(people)) for _ in range(PICTURES)]
    buckets = [create_bucket(people[0], name=name) for name in ("photos", "holidays")]
    for image in images:
        image.bucket = rng.choice([None, None, *buckets])
        if path := rng.choice(FOLDERS):
            whose = {"bucket_id": image.bucket.pk} if image.bucket else {"owner_id": image.owner_id}
            image.folder_id = get_or_create_folder(path, **whose)
        image.save()
    for image in images:
        _add_analyses(rng, image)
        if rng.random() < 0.8:  # in few dimensions, so that many are similar
            create_embedding(image, [abs(rng.gauss(0, 1)), *(rng.gauss(0, 1) for _ in range(2))])
    reindex([image.pk for image in images])
    LabelAlias.objects.create(label=Label.objects.get_or_create(kind="label", name="Person")[0], name="Human")
    labels = [*tags, *Label.objects.filter(kind__in=["label", "emotion"])]
    _change_labels(rng)
    for image in images:
        for label in rng.sample(labels, rng.choice([0, 0, 1, 2])):
            decision = rng.choice(["confirmed", "rejected", "added"])
            Verdict.objects.create(image=image, label=label, decision=decision, by=rng.choice(people))
        for person in people:
            if rng.random() < 0.3:
                Rating.objects.create(
                    image=image, person=person, is_favorite=rng.random() < 0.5, rating=rng.choice([None, 1, 3, 5])
                )
    reindex([image.pk for image in images])
    if rng.random() < 0.7:
        Label.objects.update(ancestors_cursor=None, reindex_cursor=None)  # otherwise they count as being reindexed
    for image in rng.sample(images, 5):  # not indexed as tags, which the reference does not know of
        FileKeyword.objects.create(image=image, label=rng.choice(tags))
    _add_collections(rng, people, images)
    mark_all_duplicates()
    if rng.random() < 0.7:
        refresh_label_counts()  # otherwise every label counts as rare
    return [image.pk for image in images]


def _add_collections(rng: random.Random, people, images) -> None:
    for name in COLLECTIONS:
        deleted_at = rng.choice([None, None, None, MOMENT])
        owner = rng.choice(people)
        collection = Collection.objects.create(
            owner=owner, name=name, is_shared=rng.random() < 0.3, deleted_at=deleted_at
        )
        if rng.random() < 0.3:
            CollectionMember.objects.create(collection=collection, user=rng.choice(people))
        for number, image in enumerate(rng.sample(images, 12)):
            CollectionImage.objects.create(collection=collection, image=image, position=str(number), added_by=owner)


def _change_labels(rng: random.Random) -> None:
    """Merge some labels and set thresholds, as staff may have done."""
    for name, other in (("Dwarf 1", "Dwarf 2"), ("Grass", "Car"), ("Straße", "Dwarf 2")):
        standing = Label.objects.get_or_create(kind="label", name=other)[0]
        Label.objects.filter(kind="label", name=name).update(merged_into=standing)
    for name, parent in PARENTS:
        child = Label.objects.get_or_create(kind="label", name=name)[0]
        child.parents.add(Label.objects.get_or_create(kind="label", name=parent)[0])
    refresh_all()
    Label.objects.filter(name__in=["Cat", "Dwarf 2", "Happy"]).update(threshold=rng.choice([70, 90]))


def _picture(rng: random.Random, owner) -> Image:
    phash = rng.choice([None, 0b1011, 0b1011 ^ 1 << 63, 0b1000, 0x7FFF_FFFF_0000_1234, rng.getrandbits(63)])
    return create_image(
        owner,
        phash=phash if phash is None or phash < 2**63 else phash - 2**64,
        filename=rng.choice(["A.jpg", "a.jpg", "b.JPG", "100%_ö.png", "z.webp"]),
        title=rng.choice(["", "", "A Title"]),
        format=rng.choice(["jpeg", "png"]),
        size=rng.choice([500, 1000, 5000]),
        width=rng.choice([800, 1000]),
        height=rng.choice([800, 1000, 3500]),
        camera_make=rng.choice(CAMERAS),
        lens=rng.choice(["", "35 mm", "Zoom 24-70"]),
        iso=rng.choice([None, 100, 400]),
        f_number=rng.choice([None, 1.4, 2.8]),
        exposure_seconds=rng.choice([None, 1 / 250, 35.0]),
        focal_millimeters=rng.choice([None, 24.0, 35.0, 100.0]),
        latitude=rng.choice([None, 1.5, -89.9, 89.99, 48.85]),
        longitude=rng.choice([None, 3.0, 179.95, -179.95, 2.35]),
        place=rng.choice(["", "Old pier, Hallstatt", "100%, Österreich"]),
        city=rng.choice(["", "Hallein, Österreich", "Xàtiva, Spain"]),
        visibility=rng.choice([0, 0, 1, 2]),
        added_at=START + timedelta(days=rng.randrange(60), seconds=rng.randrange(3)),
        taken_at=rng.choice([None, START + timedelta(days=rng.randrange(60))]),
        trashed_at=rng.choice([None] * 6 + [START]),
    )


def _add_analyses(rng: random.Random, image: Image) -> None:
    engine = {"recognizer": rng.choice(["rekognition", "local"]), "model_version": rng.choice(["3.0", "3.1"])}
    if rng.random() < 0.8:
        create_analysis(image, state="done", answer=_labels(rng), **engine)
    if rng.random() < 0.5:
        create_analysis(
            image, "faces", state="done", answer=rekognition_responses.faces(*(_face(rng) for _ in range(2))), **engine
        )
    if rng.random() < 0.4:
        line = " ".join(rng.choices(WORDS, k=3))
        detection = {"DetectedText": line, "Type": "LINE", "Id": 0, "Confidence": 99.0}
        create_analysis(image, "text", state="done", answer={"TextDetections": [detection]}, **engine)
    if rng.random() < 0.2:
        create_analysis(image, rng.choice(["labels", "text"]), state=rng.choice(["queued", "failed"]))


def _labels(rng: random.Random) -> dict:
    entries = [
        rekognition_responses.label(
            name,
            round(rng.uniform(55, 100), 2),
            category=CATEGORIES[NAMES.index(name) % len(CATEGORIES)],
            instances=tuple(rekognition_responses.instance() for _ in range(rng.choice([0, 1, 3]))),
        )
        for name in rng.sample([*NAMES, "Dog", "Cat"], rng.choice([1, 4, 8]))
    ]
    answer = rekognition_responses.labels(*entries)
    answer["ImageProperties"]["Quality"]["Sharpness"] = rng.uniform(0, 100)
    answer["ImageProperties"]["DominantColors"] = [
        rekognition_responses.color(simplified_color="red", percent=rng.uniform(1, 90))
    ]
    return answer


def _face(rng: random.Random) -> dict:
    low = rng.randrange(50)
    return rekognition_responses.face(
        AgeRange={"Low": low, "High": low + 8},
        Smile={"Value": rng.random() < 0.5, "Confidence": rng.choice([60.0, 97.0])},
        Gender={"Value": rng.choice(["Female", "Male"]), "Confidence": 99.0},
        Emotions=[{"Type": rng.choice(["HAPPY", "CALM"]), "Confidence": rng.choice([60.0, 90.0])}],
    )


def test_reversed_date_range_matches_nothing(owner):
    create_image(owner)
    query = Query((terms.DateTerm("added", date(2030, 1, 1), date(2020, 1, 1)),))
    assert search.count(query, viewer=Viewer(owner.pk)) == 0
