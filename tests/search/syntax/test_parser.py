"""The query language as tables of strings: text to tree, text to complaint and column."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.search.query import (
    And,
    CategoryTerm,
    CountTerm,
    DateTerm,
    FaceTerm,
    FieldTerm,
    HasTerm,
    LabelTerm,
    ModelTerm,
    Not,
    Or,
    OrientationTerm,
    Query,
    RangeTerm,
    RelativeDateTerm,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    TextTerm,
)
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.syntax.terms import FIELDS
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
        (r'"5\" screen" "a\\"', (LabelTerm('5" screen'), LabelTerm("a\\"))),
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
        ('"tag" "sort:x"', (LabelTerm("tag"), LabelTerm("sort:x"))),
        ('size "size">=90', (LabelTerm("size"), LabelTerm("size", minimum=90))),
        ('category:"Animals and Pets"', (CategoryTerm("Animals and Pets"),)),
        ('text:"no   entry"', (TextTerm("no entry"),)),
        ("name:holiday", (FieldTerm("name", "holiday"),)),
        (
            "owner:anna bucket:b format:PNG",
            (FieldTerm("owner", "anna"), FieldTerm("bucket", "b"), FieldTerm("format", "PNG")),
        ),
        ('camera:"Canon EOS"', (FieldTerm("camera", "Canon EOS"),)),
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
        ("model:3.0 like:123", (ModelTerm("3.0"), SimilarTerm(123))),
    ],
)
def test_text_to_tree(text, parts):
    assert parse(text) == Query(parts)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("sort:name", Query((), "name")),
        ("SORT:Oldest dog", Query((DOG,), "oldest")),
        ("dog OR cat sort:size", Query((Or((DOG, CAT)),), "size")),
        ("dog sort:newest cat", Query((DOG, CAT))),
    ],
)
def test_the_order_is_no_part_of_the_tree(text, query):
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
OR_NEEDS_TWO = "OR stands between two terms, as in dog OR cat."
SORT_IS_ALL = "The order is of the whole search: sort: stands neither in parentheses nor beside OR or NOT."
NO_VALUE = "A number or a day belongs after >=, as in dog>=90 or taken>=2024-05."


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ('dog "black and', 5, "Nothing closes this quote."),
        ('"', 1, "Nothing closes this quote."),
        (r'"dog\"', 1, "Nothing closes this quote."),
        ('dog ""', 5, "There is nothing between these quotes."),
        ('tag:" "', 5, "There is nothing between these quotes."),
        ("(dog", 1, "Nothing closes this parenthesis."),
        ("dog (cat (bird)", 5, "Nothing closes this parenthesis."),
        ("count(dog", 1, "Nothing closes this parenthesis."),
        ("face(smile", 1, "Nothing closes this parenthesis."),
        ("dog )", 5, "Nothing opens this parenthesis."),
        ("dog ()", 5, "There is nothing between these parentheses."),
        ("face()", 1, "There is nothing between these parentheses."),
        ("dog -", 5, "A term belongs after the minus, as in -dog."),
        ("NOT", 1, "A term belongs after NOT, as in NOT dog."),
        ("(dog NOT)", 6, "A term belongs after NOT, as in NOT dog."),
        ("OR", 1, OR_NEEDS_TWO),
        ("dog OR", 5, OR_NEEDS_TWO),
        ("OR dog", 1, OR_NEEDS_TWO),
        ("dog OR OR cat", 8, OR_NEEDS_TWO),
        ("(dog OR) cat", 6, OR_NEEDS_TWO),
        ("dog AND cat", 5, 'All terms must hold anyway: leave AND out, or quote it as a label: "AND".'),
        ("celebrty:x", 1, 'There is no field "celebrty:"; did you mean "celebrity:"?'),
        ("dog foo:bar", 5, 'There is no field "foo:"; quote the label if the colon is a part of it.'),
        ("zzz:", 1, 'There is no field "zzz:"; quote the label if the colon is a part of it.'),
        (
            "tag :x",
            5,
            "The colon belongs right after the field, as in tag:summer; quote it if it is a part of a label.",
        ),
        ("tag:", 5, "A value belongs after tag:, in quotes if it is more than a plain word."),
        ("tag:-x", 5, "A value belongs after tag:, in quotes if it is more than a plain word."),
        ("dog sort:", 10, "A value belongs after sort:, in quotes if it is more than a plain word."),
        ("dog>=", 6, NO_VALUE),
        ("dog>= -", 7, NO_VALUE),
        ("dog>=many", 6, "A number from 0 to 100 belongs here, as in dog>=90."),
        ("dog>=101", 6, "A confidence is from 0 to 100, as in dog>=90."),
        (f"dog>={'9' * 3000}", 6, "A number from 0 to 100 belongs here, as in dog>=90."),
        ("dog>90", 4, "Confidence is asked for with >= after a label, as in dog>=90."),
        (">=90", 1, "A comparison belongs right after a label or a field, as in dog>=90 or width>=4000."),
        ("category:x>=90", 11, "Only labels have a confidence; nothing is compared after category:."),
        ("name:>=90", 6, "Nothing is compared with name:; write name:value."),
        (
            "dog*cat",
            4,
            "An asterisk stands at the end of a word, as in dog*; quote it if it is a part of a label.",
        ),
        ("name:a*", 6, "Only labels are found by a beginning, as in dog* or tag:sum*."),
        ("count(dog*)>=2", 7, "Only labels are found by a beginning, as in dog* or tag:sum*."),
        ("is:favourite", 4, f'is: takes {STATES}, not “favourite” (did you mean "favorite"?).'),
        ("has:x", 5, "has: takes faces, text, location or labels, not “x”."),
        ("by:x", 4, "by: takes rekognition, local, simulator or person, not “x”."),
        ("orientation:tall", 13, "orientation: takes landscape, portrait or square, not “tall”."),
        ("sort:x", 6, "sort: takes newest, oldest, taken, confidence, name or size, not “x”."),
        ("sort:name dog sort:size", 15, "A search has one order; sort: stands here a second time."),
        ("dog OR sort:name", 8, SORT_IS_ALL),
        ("NOT sort:name", 1, "A term belongs after NOT, as in NOT dog."),
        ("(dog sort:name)", 6, SORT_IS_ALL),
        ("taken:2024-02-31", 7, "There is no such day: 2024-02-31."),
        ("taken:2024-13", 7, "There is no such month: 2024-13."),
        ("taken:2024-00", 7, "There is no such month: 2024-00."),
        ("taken:0000", 7, "There is no such year: 0000."),
        ("taken>9999", 7, "The calendar here is from 0001 to 9999."),
        (
            "taken:may",
            7,
            "A day, month or year belongs here, as in 2024-05-31, 2024-05, 2024, today or last-7-days.",
        ),
        ("taken:2025..2024-02", 7, "This range runs backwards; write 2024-02..2025."),
        ("added:last 0 days", 1, "This reaches from the last 1 to the last 36,500 days."),
        ("added:last-200-years", 7, "This reaches from the last 1 to the last 100 years."),
        ("age:30..20", 5, "This range runs backwards; write 20..30."),
        ("age:..", 5, "A range has one or two ends, as in age:20..30."),
        ("age:1..2..3", 5, "A range has one or two ends, as in age:20..30."),
        ("age:20 .. 30", 8, "A range is written without spaces, as in age:20..30."),
        ("age:200", 5, "An age is from 0 to 150, as in age:20..30."),
        ("age:²", 5, "A whole number belongs here, as in age:20..30."),
        ("rating:0", 8, "A rating is from 1 to 5, as in rating>=4."),
        ("rating>5", 8, "A rating is from 1 to 5, as in rating>=4."),
        ("rating:4.5", 8, "A whole number belongs here, as in rating>=4."),
        ("width>=99999999999", 8, "A width is from 0 to 1,000,000, as in width>=4000."),
        (f"size>={'9' * 300}TB", 7, "A size is from 0 to 1000TB, as in size>5MB."),
        ("size>5XB", 6, "A size belongs here, as in size>5MB or size:500KB..2MiB."),
        ("quality>70", 9, "The quality is compared with >= or <=, as in quality>=70."),
        ("quality>=70..80", 10, "A number from 0 to 100 belongs here, as in quality>=70."),
        ("like:x", 6, "The number of a picture belongs here, as in like:123."),
        (f"like:{'9' * 19}", 6, "The number of a picture belongs here, as in like:123."),
        ("count(person)", 14, "Say how many there are, as in count(person)>=3."),
        ("count(person) dog", 15, "Say how many there are, as in count(person)>=3."),
        ("count(a b)>=3", 9, "count(…) takes one label, as in count(person)>=3."),
        ("count(person)>=x", 16, "A whole number belongs here, as in count(person)>=3."),
        (
            "face(-smile)",
            6,
            "face(…) takes what one face shows and its age, as in face(smile age:20..30); quote what is no plain word.",
        ),
        ("face(size>3)", 6, "face(…) takes what a face shows and its age, as in face(smile age:20..30)."),
        ("face(tag:x)", 6, "face(…) takes what a face shows and its age, as in face(smile age:20..30)."),
        ("face(age>=20 age<=30)", 1, "A face has one age; write both ends of it as in face(age:20..30)."),
    ],
)
def test_a_bad_query_says_what_and_where(text, column, message):
    with pytest.raises(InvalidQuery) as caught:
        parse(text)
    assert (caught.value.column, str(caught.value)) == (column, message)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a" * 4_001, 4_001, "A search can be 4,000 characters long; this one has 4,001."),
        (" ".join(f"w{number}" for number in range(201)), 1, "A search can have 200 terms; this one has 201."),
        ("(" * 4_000, 51, "Parentheses and NOT can stand in one another 50 deep."),
        ("(" * 1_900 + "a" + ")" * 1_900, 51, "Parentheses and NOT can stand in one another 50 deep."),
        ("- " * 1_999 + "a", 101, "Parentheses and NOT can stand in one another 50 deep."),
        ("-(" * 1_900 + "a", 101, "Parentheses and NOT can stand in one another 50 deep."),
        ("(a -" * 30 + "b" + " OR c)" * 30, 1, "Parentheses and NOT can stand in one another 50 deep."),
    ],
)
def test_length_terms_and_depth_are_bounded(text, column, message):
    with pytest.raises(InvalidQuery) as caught:
        parse(text)
    assert (caught.value.column, str(caught.value)) == (column, message)


def test_up_to_the_bounds_all_is_well():
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
def test_any_text_is_a_query_that_can_be_written_or_a_bad_query(text):
    try:
        query = parse(text)
    except InvalidQuery as error:
        query, place = None, error.column
    if query is None:
        assert 1 <= place <= len(text) + 1
    else:
        assert parse(query.text) == query
