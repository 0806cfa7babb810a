"""A query as JSON: there and back, and what is wrong with a bad one."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.search.json_form import KEYS, BadTree, from_json, to_json
from analysis.search.syntax.parser import parse
from tests.search.strategies import PATIENT, queries


@PATIENT
@given(queries())
@example(parse("-(a " * 50 + "b" + ")" * 50))
@example(parse("sort:name"))
def test_there_and_back(query):
    assert from_json(json.loads(json.dumps(to_json(query)))) == query


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {"all": []}),
        ("sort:name", {"all": [], "sort": "name"}),
        ("dog", {"all": [{"label": {"name": "dog"}}]}),
        (
            "tag:do*>=90.5",
            {"all": [{"label": {"name": "do", "kind": "tag", "least": 90.5, "is_prefix": True}}]},
        ),
        ("-dog", {"all": [{"not": {"label": {"name": "dog"}}}]}),
        (
            "(is:shared has:text) OR by:person",
            {"all": [{"any": [{"all": [{"is": "shared"}, {"has": "text"}]}, {"by": "person"}]}]},
        ),
        ("count(dog)<=2", {"all": [{"count": {"name": "dog", "least": 0, "most": 2}}]}),
        ("face(smile age:20..)", {"all": [{"face": {"traits": ["smile"], "age_low": 20}}]}),
        (
            "taken:2024-05 added:last 7 days",
            {
                "all": [
                    {"between": {"field": "taken", "first": "2024-05-01", "last": "2024-05-31"}},
                    {"lately": {"field": "added", "number": 7, "unit": "day"}},
                ]
            },
        ),
        ("size>=5MB", {"all": [{"measured": {"field": "size", "low": 5_000_000}}]}),
        (
            "camera:canon category:Food text:stop model:3.0 like:12 orientation:square",
            {
                "all": [
                    {"matches": {"field": "camera", "text": "canon"}},
                    {"category": "Food"},
                    {"text": "stop"},
                    {"model": "3.0"},
                    {"like": 12},
                    {"orientation": "square"},
                ]
            },
        ),
    ],
)
def test_both_forms_say_the_same(text, value):
    assert to_json(parse(text)) == value
    assert from_json(value) == parse(text)


def test_what_is_left_out_or_not_in_normal_form_is_understood():
    assert from_json({}) == parse("")
    nested = {"all": [{"all": [{"is": "shared"}, {"all": [{"not": {"not": {"has": "text"}}}, {"is": "shared"}]}]}]}
    assert from_json(nested) == parse("is:shared has:text")
    assert from_json({"all": [{"label": {"name": " black  and white "}}]}) == parse('"black and white"')
    assert from_json({"all": [{"measured": {"field": "width", "low": None, "high": 10.0}}]}) == parse("width<=10")


PARTS = "label, count, face, matches, measured, between, lately, category, text, orientation, is, has, by, model, like"


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        ([], "", "An object belongs here."),
        ({"any": []}, "", "A search has the keys all and sort, not any."),
        ({"sort": "x"}, "sort", "The order is one of newest, oldest, taken, confidence, name, size."),
        ({"sort": []}, "sort", "The order is one of newest, oldest, taken, confidence, name, size."),
        ({"all": {}}, "all", "A list of parts belongs here."),
        ({"all": ["dog"]}, "all[0]", "An object belongs here."),
        ({"all": [{}]}, "all[0]", 'A part is an object with one key, as in {"is": "favorite"}.'),
        ({"all": [{"dog": 1}]}, "all[0].dog", f"There is no such part; these are: {PARTS}, not, all, any."),
        ({"all": [{"any": []}]}, "all[0].any", "A list of at least one part belongs here."),
        ({"all": [{"not": []}]}, "all[0].not", "An object belongs here."),
        ({"all": [{"label": "dog"}]}, "all[0].label", "An object belongs here."),
        ({"all": [{"label": {}}]}, "all[0].label", "name is missing."),
        (
            {"all": [{"label": {"name": "dog", "most": 1}}]},
            "all[0].label",
            "It has the keys name, kind, least, is_prefix, not most.",
        ),
        ({"all": [{"not": {"label": {"name": 5}}}]}, "all[0].not.label.name", "Text belongs here."),
        ({"all": [{"label": {"name": " "}}]}, "all[0].label.name", "Text belongs here."),
        ({"all": [{"label": {"name": "a\0"}}]}, "all[0].label.name", "Text belongs here."),
        ({"all": [{"label": {"name": "a\ud800"}}]}, "all[0].label.name", "Text belongs here."),
        ({"all": [{"label": {"name": "a", "is_prefix": 1}}]}, "all[0].label.is_prefix", "true or false belongs here."),
        ({"all": [{"label": {"name": "a", "least": "9"}}]}, "all[0].label.least", "A number belongs here."),
        ({"all": [{"label": {"name": "a", "least": float("nan")}}]}, "all[0].label.least", "A number belongs here."),
        (
            {"all": [{"label": {"name": "a", "least": 101}}]},
            "all[0].label",
            "A confidence is from 0 to 100, as in dog>=90.",
        ),
        (
            {"all": [{"label": {"name": "a", "least": 90.123}}]},
            "all[0].label",
            "This would be read as a>=90.12; write it so.",
        ),
        (
            {"all": [{"label": {"name": "a", "kind": "owner"}}]},
            "all[0].label",
            "This would be read as owner:a; write it so.",
        ),
        ({"all": [{"is": "Shared"}]}, "all[0].is", "This would be read as is:shared; write it so."),
        ({"all": [{"is": "shared sort:name"}]}, "all[0].is", "This would be read as is:shared sort:name; write it so."),
        ({"all": [{"like": True}]}, "all[0].like", "A whole number belongs here."),
        ({"all": [{"like": 10**400}]}, "all[0].like", "A whole number belongs here."),
        (
            {"all": [{"like": -1}]},
            "all[0].like",
            "A value belongs after like:, in quotes if it is more than a plain word.",
        ),
        ({"all": [{"face": {}}]}, "all[0].face", "This asks for nothing."),
        ({"all": [{"face": {"traits": "smile"}}]}, "all[0].face.traits", "A list of texts belongs here."),
        ({"all": [{"face": {"traits": ["a", 5]}}]}, "all[0].face.traits[1]", "Text belongs here."),
        ({"all": [{"measured": {"field": "size"}}]}, "all[0].measured", "This asks for nothing."),
        (
            {"all": [{"measured": {"field": "rating", "low": 5, "high": 2}}]},
            "all[0].measured",
            "This range runs backwards; write 2..5.",
        ),
        (
            {"all": [{"between": {"field": "taken", "first": "2024-02-31"}}]},
            "all[0].between.first",
            "A day belongs here, as in 2024-05-31.",
        ),
        (
            {"all": [{"between": {"field": "taken", "first": "2024-W01-1"}}]},
            "all[0].between.first",
            "A day belongs here, as in 2024-05-31.",
        ),
    ],
)
def test_a_bad_one_says_what_and_where(value, path, message):
    with pytest.raises(BadTree) as caught:
        from_json(value)
    assert (caught.value.path, str(caught.value)) == (path, f"{path}: {message}" if path else message)


def test_terms_length_and_depth_are_bounded():
    with pytest.raises(BadTree, match="A search can have 200 terms; this one has 201"):
        from_json({"all": [{"like": number} for number in range(201)]})
    with pytest.raises(BadTree, match="A search can be 4,000 characters long"):
        from_json({"all": [{"text": "a" * 4_000}]})
    deep: dict = {"is": "shared"}
    for number in range(60):
        deep = {"not": {"all": [deep, {"like": number}]}}
    with pytest.raises(BadTree, match="50 deep"):
        from_json({"all": [deep]})
    for _ in range(800):
        deep = {"not": deep}
    with pytest.raises(BadTree, match="50 deep"):
        from_json({"all": [deep]})


PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("2024-05-01"))
NAMES = [
    *KEYS,
    "not",
    "all",
    "any",
    "sort",
    "name",
    "field",
    "low",
    "high",
    "least",
    "traits",
    "first",
    "number",
    "unit",
]


@PATIENT
@given(
    st.recursive(
        PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ).flatmap(lambda part: st.sampled_from([part, {"all": [part]}, {"all": part}]))
)
def test_any_value_is_a_query_or_a_bad_tree(value):
    try:
        query = from_json(value)
    except BadTree:
        return
    assert from_json(to_json(query)) == query
