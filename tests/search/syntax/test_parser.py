"""The search language as tables: text to tree, text to error message and column."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.search.query import Query
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.syntax.tokens import FIELDS
from analysis.search.terms import (
    And,
    BucketTerm,
    CameraTerm,
    CategoryTerm,
    CountTerm,
    DateTerm,
    FaceTerm,
    FormatTerm,
    HasTerm,
    LabelTerm,
    ModelTerm,
    NameTerm,
    NearDuplicateTerm,
    Not,
    Or,
    OrientationTerm,
    OwnerTerm,
    RangeTerm,
    RelativeDateTerm,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    TextTerm,
)
from tests.search.strategies import PATIENT

DOG, CAT, BIRD, FISH = (LabelTerm(name) for name in ("dog", "cat", "bird", "fish"))


def day(text):
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("   ", ()),
        ("dog", (DOG,)),
        ("dog  cat", (DOG, CAT)),
        ("dog dog", (DOG,)),
        ("dog\x00cat", (DOG, CAT)),
        ("dog\ud800cat", (DOG, CAT)),
        ('"black   and white"', (LabelTerm("black and white"),)),
        (r'"5\" screen" "a\\"', (LabelTerm('5" screen'), LabelTerm("a\\", is_exact=True))),
        (
            "t-shirt c++ 90 Straße 中文 o'clock",
            tuple(map(LabelTerm, ("t-shirt", "c++", "90", "Straße", "中文", "o'clock"))),
        ),
        ("dog>=90", (LabelTerm("dog", minimum=90),)),
        ("dog >= 90.5", (LabelTerm("dog", minimum=90.5),)),
        ("dog>=90%", (LabelTerm("dog", minimum=90),)),
        ("dog*", (LabelTerm("dog", is_prefix=True),)),
        ('"black and"*>=90', (LabelTerm("black and", minimum=90, is_prefix=True),)),
        ("-dog -dog>=90", (Not(DOG), Not(LabelTerm("dog", minimum=90)))),
        ("- dog", (Not(DOG),)),
        ("NOT dog", (Not(DOG),)),
        ("--dog", (DOG,)),
        ("NOT - NOT dog", (Not(DOG),)),
        ("not dog or cat", (LabelTerm("not"), DOG, LabelTerm("or"), CAT)),
        ('"OR" "NOT" "AND" and', tuple(map(LabelTerm, ("OR", "NOT", "AND", "and")))),
        ("dog OR cat", (Or((DOG, CAT)),)),
        ("dog OR dog", (DOG,)),
        ("dog OR cat OR bird", (Or((DOG, CAT, BIRD)),)),
        ("dog OR (cat OR bird)", (Or((DOG, CAT, BIRD)),)),
        ("dog cat OR bird fish", (DOG, Or((CAT, BIRD)), FISH)),
        ("(dog cat) OR bird", (Or((And((DOG, CAT)), BIRD)),)),
        ("-dog OR cat", (Or((Not(DOG), CAT)),)),
        ("-(dog OR cat)", (Not(Or((DOG, CAT))),)),
        ("-(dog cat)", (Not(And((DOG, CAT))),)),
        ("-(-(dog cat))", (DOG, CAT)),
        ("(dog (cat bird))", (DOG, CAT, BIRD)),
        ("((((dog))))", (DOG,)),
        ("count(person)>=3", (CountTerm("person", 3),)),
        ("COUNT( person ) > 3", (CountTerm("person", 4),)),
        ("count(person)=3", (CountTerm("person", 3, 3),)),
        ("count(person)<=3", (CountTerm("person", 0, 3),)),
        ("count(person)<3", (CountTerm("person", 0, 2),)),
        ('count("hot dog")=2..4', (CountTerm("hot dog", 2, 4),)),
        ("count(person):2..", (CountTerm("person", 2),)),
        ("count (dog cat)", (LabelTerm("count"), DOG, CAT)),
        ("label:dog>=90", (LabelTerm("dog", "label", 90),)),
        ('TAG:"summer 20"*', (LabelTerm("summer 20", "tag", is_prefix=True),)),
        ("tag: summer", (LabelTerm("summer", "tag"),)),
        ("celebrity:br*", (LabelTerm("br", "celebrity", is_prefix=True),)),
        ("emotion:happy face:smile", (LabelTerm("happy", "emotion"), LabelTerm("smile", "face"))),
        ("color:red moderation:violence", (LabelTerm("red", "color"), LabelTerm("violence", "moderation"))),
        ("\u201cfire truck\u201d \u2013dog", (LabelTerm("fire truck"), Not(DOG))),
        ("\u00abdog\u00bb \u201ecat\u201c", (LabelTerm("dog", is_exact=True), LabelTerm("cat", is_exact=True))),
        ('"a\u201d b" semi\u2013dry', (LabelTerm("a\u201d b"), LabelTerm("semi\u2013dry"))),
        ('count("dogs")>=2', (CountTerm("dogs", 2, is_exact=True),)),
        ('tag:"dogs"', (LabelTerm("dogs", "tag", is_exact=True),)),
        ('"tag" "sort:x"', (LabelTerm("tag", is_exact=True), LabelTerm("sort:x"))),
        ('size "size">=90', (LabelTerm("size"), LabelTerm("size", minimum=90))),
        ('category:"Animals and Pets"', (CategoryTerm("Animals and Pets"),)),
        ('text:"no   entry"', (TextTerm("no entry"),)),
        ("name:holiday", (NameTerm("holiday"),)),
        (
            "owner:anna bucket:b format:PNG",
            (OwnerTerm("anna"), BucketTerm("b"), FormatTerm("PNG")),
        ),
        ('camera:"Canon EOS"', (CameraTerm("Canon EOS"),)),
        ("age:20..30", (FaceTerm((), 20, 30),)),
        ("age:20.. age:..30", (FaceTerm((), 20), FaceTerm((), None, 30))),
        ("age:25 age>=20 age<30", (FaceTerm((), 25, 25), FaceTerm((), 20), FaceTerm((), None, 29))),
        (
            'face(smile age:20..30 Happy "eyes open" smile)',
            (FaceTerm(("smile", "Happy", "eyes open"), 20, 30),),
        ),
        ("face(female age>30)", (FaceTerm(("female",), 31),)),
        ("face (dog)", (LabelTerm("face"), DOG)),
        ("taken:2024", (DateTerm("taken", day("2024-01-01"), day("2024-12-31")),)),
        ("taken:2024-2", (DateTerm("taken", day("2024-02-01"), day("2024-02-29")),)),
        ("added:2024-05-03", (DateTerm("added", day("2024-05-03"), day("2024-05-03")),)),
        ("taken:2024..2025-03", (DateTerm("taken", day("2024-01-01"), day("2025-03-31")),)),
        ("taken:..2024-05", (DateTerm("taken", None, day("2024-05-31")),)),
        ("taken>=2024-05", (DateTerm("taken", day("2024-05-01")),)),
        ("taken:>2024", (DateTerm("taken", day("2025-01-01")),)),
        ("taken<2024", (DateTerm("taken", None, day("2023-12-31")),)),
        ("taken:last 7 days", (RelativeDateTerm("taken", 7, "day"),)),
        ("(added: last  2 Weeks)", (RelativeDateTerm("added", 2, "week"),)),
        ('added:"last 1 month" cat', (RelativeDateTerm("added", 1, "month"), CAT)),
        ("added:last-3-years", (RelativeDateTerm("added", 3, "year"),)),
        ("size:>5MB", (RangeTerm("size", 5_000_001),)),
        ("size>=1.5mb", (RangeTerm("size", 1_500_000),)),
        ("size<=2KiB", (RangeTerm("size", None, 2048),)),
        ("size:1MB..5MB", (RangeTerm("size", 1_000_000, 5_000_000),)),
        ("size<100", (RangeTerm("size", None, 99),)),
        ("width:>=4000 height=3000", (RangeTerm("width", 4000), RangeTerm("height", 3000, 3000))),
        ("quality>=70.5 brightness:10..20", (RangeTerm("quality", 70.5), RangeTerm("brightness", 10, 20))),
        ("sharpness<=3 contrast:..7", (RangeTerm("sharpness", None, 3), RangeTerm("contrast", None, 7))),
        ("rating>=4 rating:4", (RangeTerm("rating", 4), RangeTerm("rating", 4, 4))),
        ("rating:3..5 rating<3", (RangeTerm("rating", 3, 5), RangeTerm("rating", None, 2))),
        ("orientation:Portrait", (OrientationTerm("portrait"),)),
        ("is:Favorite -is:trashed", (StateTerm("favorite"), Not(StateTerm("trashed")))),
        ("has:faces by:person", (HasTerm("faces"), SourceTerm("person"))),
        ("model:3.0 like:123", (ModelTerm("3.0"), NearDuplicateTerm(123))),
    ],
)
def test_text_to_tree(text, parts):
    assert parse(text) == Query(parts)


PUBLIC_ID = "5f0c1b6e-88d8-4b7b-a4d7-f2a9b9c5e001"


@pytest.mark.parametrize(
    ("text", "parts", "sort", "canonical"),
    [
        ("similar:0123", (SimilarTerm("123"),), "similarity", "similar:123"),
        (f"similar:{PUBLIC_ID.upper()}", (SimilarTerm(PUBLIC_ID),), "similarity", f"similar:{PUBLIC_ID}"),
        (f"similar:{PUBLIC_ID.replace('-', '')}", (SimilarTerm(PUBLIC_ID),), "similarity", f"similar:{PUBLIC_ID}"),
        ("dog similar:5 sort:similarity", (DOG, SimilarTerm("5")), "similarity", "dog similar:5"),
        ("similar:5 sort:newest", (SimilarTerm("5"),), "newest", "similar:5 sort:newest"),
        ("-similar:5", (Not(SimilarTerm("5")),), "taken", "-similar:5"),
        ("dog sort:similarity", (DOG,), "similarity", "dog sort:similarity"),
    ],
)
def test_similar_pictures_are_sorted_by_similarity_unless_asked_otherwise(text, parts, sort, canonical):
    assert parse(text) == Query(parts, sort)
    assert parse(text).text == canonical


def test_order_follows_the_similar_picture_unless_it_was_chosen():
    similar = SimilarTerm("5")
    assert Query((DOG,)).with_part(similar).sort == "similarity"
    assert parse("dog similar:5").without(similar) == Query((DOG,))
    assert parse("dog similar:5 sort:size").without(similar) == Query((DOG,), "size")
    assert parse("similar:5").replacing(similar, DOG) == Query((DOG,))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("sort:name", Query((), "name")),
        ("SORT:Oldest dog", Query((DOG,), "oldest")),
        ("dog OR cat sort:size", Query((Or((DOG, CAT)),), "size")),
        ("dog sort:taken cat", Query((DOG, CAT))),
    ],
)
def test_sort_order_is_not_part_of_the_tree(text, query):
    assert parse(text) == query


def test_today_and_yesterday_stay_relative():
    query = parse("added:today taken:Yesterday")
    assert query.parts == (RelativeDateTerm("added", 1, "today"), RelativeDateTerm("taken", 1, "yesterday"))
    assert query.text == "added:today taken:yesterday"
    today = datetime.now(UTC).date()
    (since,) = parse("added>=today").parts
    assert since in {
        DateTerm("added", today),
        DateTerm("added", today + timedelta(1)),
    }  # it may be past midnight by now


STATES = "favorite, untagged, failed, pending, reviewed, private, shared, public, trashed or duplicate"
OR_MESSAGE = "OR needs a term on both sides, for example dog OR cat."
SORT_MESSAGE = "sort: applies to the whole search; move it out of parentheses and away from OR and NOT."
VALUE_MESSAGE = "Expected a number or a date after >=, for example dog>=90 or taken>=2024-05."


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ('dog "black and', 5, "Unclosed quotation mark."),
        ('"', 1, "Unclosed quotation mark."),
        (r'"dog\"', 1, "Unclosed quotation mark."),
        ('dog ""', 5, "There is nothing between these quotes."),
        ('tag:" "', 5, "There is nothing between these quotes."),
        ("(dog", 1, "Unclosed parenthesis."),
        ("dog (cat (bird)", 5, "Unclosed parenthesis."),
        ("count(dog", 1, "Unclosed parenthesis."),
        ("face(smile", 1, "Unclosed parenthesis."),
        ("dog )", 5, "Unmatched closing parenthesis."),
        ("dog ()", 5, "There is nothing between these parentheses."),
        ("face()", 1, "There is nothing between these parentheses."),
        ("dog -", 5, "A minus sign needs a term after it, for example -dog."),
        ("NOT", 1, "NOT needs a term after it, for example NOT dog."),
        ("(dog NOT)", 6, "NOT needs a term after it, for example NOT dog."),
        ("OR", 1, OR_MESSAGE),
        ("dog OR", 5, OR_MESSAGE),
        ("OR dog", 1, OR_MESSAGE),
        ("dog OR OR cat", 8, OR_MESSAGE),
        ("(dog OR) cat", 6, OR_MESSAGE),
        ("dog AND cat", 5, 'All terms must match by default. Remove AND, or put it in quotes if it is a label: "AND".'),
        ("celebrty:x", 1, "Unknown field “celebrty:”. Did you mean “celebrity:”?"),
        ("dog foo:bar", 5, "Unknown field “foo:”. If the colon is part of a label, put the label in quotes."),
        ("zzz:", 1, "Unknown field “zzz:”. If the colon is part of a label, put the label in quotes."),
        (
            "tag :x",
            5,
            "A colon must directly follow a field, for example tag:summer. "
            "If it is part of a label, put the label in quotes.",
        ),
        ("tag:", 5, "tag: needs a value; put quotes around several words."),
        ("tag:-x", 5, "tag: needs a value; put quotes around several words."),
        ("dog sort:", 10, "sort: needs a value; put quotes around several words."),
        ("dog>=", 6, VALUE_MESSAGE),
        ("dog>= -", 7, VALUE_MESSAGE),
        ("dog>=many", 6, "Expected a number from 0 to 100, for example dog>=90."),
        ("dog>=101", 6, "Expected a number from 0 to 100, for example dog>=90."),
        (f"dog>={'9' * 3000}", 6, "Expected a number from 0 to 100, for example dog>=90."),
        ("dog>90", 4, "Use >= for a label's confidence, for example dog>=90."),
        (">=90", 1, "A comparison must follow a label or a field, for example dog>=90 or width>=4000."),
        ("category:x>=90", 11, "Only labels have a confidence; category: does not support comparisons."),
        ("name:>=90", 6, "name: does not support comparisons; write name:value."),
        (
            "dog*cat",
            4,
            "An asterisk is only allowed at the end of a word, for example dog*. "
            "If it is part of a label, put the label in quotes.",
        ),
        ("name:a*", 6, "Only labels can end in *, for example dog* or tag:sum*."),
        ("count(dog*)>=2", 7, "Only labels can end in *, for example dog* or tag:sum*."),
        ("is:favourite", 4, f"is: accepts {STATES}, not “favourite”. Did you mean “favorite”?"),
        ("has:x", 5, "has: accepts faces, text, location or labels, not “x”."),
        ("by:x", 4, "by: accepts rekognition, local, simulator, person or file, not “x”."),
        ("orientation:tall", 13, "orientation: accepts landscape, portrait or square, not “tall”."),
        (
            "sort:x",
            6,
            "sort: accepts taken, taken-oldest, newest, oldest, confidence, name, size or similarity, not “x”.",
        ),
        ("sort:name dog sort:size", 15, "A search can have only one sort order; remove this sort:."),
        ("dog OR sort:name", 8, SORT_MESSAGE),
        ("NOT sort:name", 1, "NOT needs a term after it, for example NOT dog."),
        ("(dog sort:name)", 6, SORT_MESSAGE),
        ("taken:2024-02-31", 7, "2024-02-31 is not a valid date."),
        ("taken:2024-13", 7, "2024-13 is not a valid date."),
        ("taken:2024-00", 7, "2024-00 is not a valid date."),
        ("taken:0000", 7, "0000 is not a valid date."),
        ("taken>9999", 7, "Dates must be in the years 0001 to 9999."),
        (
            "taken:may",
            7,
            "Expected a date, for example 2024-05-31, 2024-05, 2024, today or last-7-days.",
        ),
        ("taken:2025..2024-02", 7, "This range is reversed; write 2024-02..2025."),
        ("added:last 0 days", 1, "Expected 1 to 36,500 days."),
        ("added:last-200-years", 7, "Expected 1 to 100 years."),
        ("age:30..20", 5, "This range is reversed; write 20..30."),
        ("age:..", 5, "A range needs a start, an end or both, for example age:20..30."),
        ("age:1..2..3", 5, "A range needs a start, an end or both, for example age:20..30."),
        ("age:20 .. 30", 8, "Write ranges without spaces, for example age:20..30."),
        ("age:200", 5, "Expected a number from 0 to 150, for example age:20..30."),
        ("age:²", 5, "Expected a whole number, for example age:20..30."),
        ("rating:0", 8, "Expected a number from 1 to 5, for example rating>=4."),
        ("rating>5", 8, "Expected a number from 1 to 5, for example rating>=4."),
        ("rating:4.5", 8, "Expected a whole number, for example rating>=4."),
        ("width>=99999999999", 8, "Expected a number from 0 to 1,000,000, for example width>=4000."),
        (f"size>={'9' * 300}TB", 7, "Expected a size from 0 to 1000TB, for example size>5MB."),
        ("size>5XB", 6, "Expected a size, for example size>5MB or size:500KB..2MiB."),
        ("quality>70", 9, "Use >= or <= here, for example quality>=70."),
        ("quality>=70..80", 10, "Expected a number from 0 to 100, for example quality>=70."),
        ("similar:x", 9, "Expected a picture ID or a public ID, for example similar:123."),
        ("similar:1.5", 9, "Expected a picture ID or a public ID, for example similar:123."),
        (f"similar:{'9' * 19}", 9, "Expected a picture ID or a public ID, for example similar:123."),
        (
            "similar:5f0c1b6e-88d8-4b7b",
            9,
            "Expected a picture ID or a public ID, for example similar:123.",
        ),
        ("like:x", 6, "Expected a picture ID, for example like:123."),
        (f"like:{'9' * 19}", 6, "Expected a picture ID, for example like:123."),
        ("count(person)", 14, "Add a number to compare with, for example count(person)>=3."),
        ("count(person) dog", 15, "Add a number to compare with, for example count(person)>=3."),
        ("count(a b)>=3", 9, "count(…) accepts one label, for example count(person)>=3."),
        ("count(person)>=x", 16, "Expected a whole number, for example count(person)>=3."),
        (
            "face(-smile)",
            6,
            'face(…) accepts traits and an age, for example face(smile "eyes open" age:20..30).',
        ),
        ("face(size>3)", 6, "face(…) accepts traits and an age, for example face(smile age:20..30)."),
        ("face(tag:x)", 6, "face(…) accepts traits and an age, for example face(smile age:20..30)."),
        (
            "face(age>=20 age<=30)",
            1,
            "A face has only one age; write both limits as a range, for example face(age:20..30).",
        ),
    ],
)
def test_invalid_query_has_message_and_column(text, column, message):
    with pytest.raises(InvalidQuery) as caught:
        parse(text)
    assert (caught.value.column, str(caught.value)) == (column, message)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a" * 4_001, 4_001, "A search can have at most 4,000 characters; this one has 4,001."),
        (" ".join(f"w{number}" for number in range(201)), 1, "A search can have at most 200 terms; this one has 201."),
        ("(" * 4_000, 51, "Parentheses and NOT can be nested at most 50 levels."),
        ("(" * 1_900 + "a" + ")" * 1_900, 51, "Parentheses and NOT can be nested at most 50 levels."),
        ("- " * 1_999 + "a", 101, "Parentheses and NOT can be nested at most 50 levels."),
        ("-(" * 1_900 + "a", 101, "Parentheses and NOT can be nested at most 50 levels."),
        ("(a -" * 30 + "b" + " OR c)" * 30, 1, "Parentheses and NOT can be nested at most 50 levels."),
    ],
)
def test_length_number_of_terms_and_depth_are_limited(text, column, message):
    with pytest.raises(InvalidQuery) as caught:
        parse(text)
    assert (caught.value.column, str(caught.value)) == (column, message)


def test_queries_at_the_limits_are_valid():
    assert len(parse(" ".join(f"w{number}" for number in range(200))).parts) == 200
    assert parse("(" * 50 + "dog" + ")" * 50) == Query((DOG,))
    deep = parse("-(a " * 50 + "b" + ")" * 50)
    assert parse(deep.text) == deep


PIECES = st.sampled_from(
    [
        *('"', '"', "(", ")", "-", "NOT", "OR", "AND", "*", ":", "..", ">=", "<", "=", "\\", "face(", "count("),
        *(
            "dog",
            "20..30",
            "2024-05",
            "5MB",
            "last 7 days",
            "last-7-days",
            "today",
            "favorite",
            "age",
            "width",
            " ",
            " ",
        ),
        *(f"{field}:" for field in FIELDS),
    ]
)


@PATIENT
@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map("".join), st.lists(PIECES).map(" ".join)))
@example("dog\ud800")
def test_any_text_parses_and_round_trips_or_is_invalid(text):
    try:
        query = parse(text)
    except InvalidQuery as error:
        query, column = None, error.column
    if query is None:
        assert 1 <= column <= len(text) + 1
    else:
        assert parse(query.text) == query
