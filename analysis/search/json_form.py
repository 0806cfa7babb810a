"""A query as JSON, for programs: `{"all": [part, …], "sort": "name"}`.

Each part is an object with one key that says what it is:

    {"label": {"name": "dog", "kind": "tag", "least": 90, "is_prefix": true}}    all but the name may be left out
    {"count": {"name": "person", "least": 2, "most": 4}}
    {"face": {"traits": ["smile"], "age_low": 20, "age_high": 30}}
    {"matches": {"field": "camera", "text": "canon"}}
    {"measured": {"field": "size", "low": 5000000, "high": 9000000}}             either end may be left out
    {"between": {"field": "taken", "first": "2024-05-01", "last": "2024-05-31"}}
    {"lately": {"field": "added", "number": 7, "unit": "day"}}
    {"category": "Animals and Pets"}, {"text": "no entry"}, {"orientation": "landscape"}, {"is": "favorite"},
    {"has": "faces"}, {"by": "person"}, {"model": "3.0"}, {"like": 123}
    {"not": part}, {"all": [part, …]}, {"any": [part, …]}

What a value may be the text form decides: every part is read by way of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from datetime import date
from typing import Any

from analysis.search.query import (
    SORTS,
    And,
    CategoryTerm,
    CountTerm,
    DateTerm,
    FaceTerm,
    FieldTerm,
    HasTerm,
    LabelTerm,
    Leaf,
    ModelTerm,
    Node,
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
    all_of,
    any_of,
    negation,
)
from analysis.search.syntax.parser import MAX_DEPTH, UNWRITABLE, InvalidQuery, parse
from analysis.search.syntax.serializer import serialize
from analysis.search.syntax.terms import shortened

KEYS: dict[str, type] = {
    "label": LabelTerm,
    "count": CountTerm,
    "face": FaceTerm,
    "matches": FieldTerm,
    "measured": RangeTerm,
    "between": DateTerm,
    "lately": RelativeDateTerm,
    "category": CategoryTerm,
    "text": TextTerm,
    "orientation": OrientationTerm,
    "is": StateTerm,
    "has": HasTerm,
    "by": SourceTerm,
    "model": ModelTerm,
    "like": SimilarTerm,
}
_NAMES = {kind: key for key, kind in KEYS.items()}


class BadTree(ValueError):
    """JSON that is no query: what is wrong and where, as in `all[1].not.label.name`."""

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


def to_json(query: Query) -> dict[str, Any]:
    """Only what differs from the defaults."""
    parts = [_given(part) for part in query.parts]
    return {"all": parts} if query.sort == "newest" else {"all": parts, "sort": query.sort}


def from_json(value: object) -> Query:
    """The query, in normal form. Raises BadTree at the first thing that is wrong, and nothing else."""
    content = _object(value, path="")
    if unknown := [key for key in content if key not in {"all", "sort"}]:
        raise BadTree(f"A search has the keys all and sort, not {_shown(unknown[0])}.", path="")
    sort = content.get("sort", "newest")
    if sort not in SORTS:
        raise BadTree(f"The order is one of {', '.join(SORTS)}.", path="sort")
    whole = all_of(_parts(content.get("all", []), path="all", depth=0))
    query = Query(whole.parts if isinstance(whole, And) else (whole,), str(sort))
    return _read(query.text, path="")


def _given(part: Node) -> dict[str, Any]:
    match part:
        case Not(inner):
            return {"not": _given(inner)}
        case And(parts):
            return {"all": [_given(each) for each in parts]}
        case Or(parts):
            return {"any": [_given(each) for each in parts]}
    members = fields(part)
    values = {each.name: getattr(part, each.name) for each in members if getattr(part, each.name) != each.default}
    content = {name: _plain(value) for name, value in values.items()}
    return {_NAMES[type(part)]: content[members[0].name] if len(members) == 1 else content}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _parts(value: object, *, path: str, depth: int) -> list[Node]:
    if not isinstance(value, list):
        raise BadTree("A list of parts belongs here.", path=path)
    if depth and not value:
        raise BadTree("A list of at least one part belongs here.", path=path)
    return [_part(each, path=f"{path}[{place}]", depth=depth + 1) for place, each in enumerate(value)]


def _part(value: object, *, path: str, depth: int) -> Node:
    content = _object(value, path=path)
    if len(content) != 1:
        raise BadTree('A part is an object with one key, as in {"is": "favorite"}.', path=path)
    if depth > 2 * MAX_DEPTH + 2:
        raise BadTree(f"Parts can stand in one another {MAX_DEPTH} deep.", path=path)
    ((key, inner),) = content.items()
    path = f"{path}.{_shown(key)}"
    match key:
        case "not":
            return negation(_part(inner, path=path, depth=depth + 1))
        case "all":
            return all_of(_parts(inner, path=path, depth=depth))
        case "any":
            return any_of(_parts(inner, path=path, depth=depth))
    if key not in KEYS:
        raise BadTree(f"There is no such part; these are: {', '.join([*KEYS, 'not', 'all', 'any'])}.", path=path)
    return _leaf(KEYS[key], inner, path=path)


def _leaf(kind: type, value: object, *, path: str) -> Node:
    members = {each.name: each for each in fields(kind)}
    if len(members) == 1:
        ((name, member),) = members.items()
        found = {name: _READERS[str(member.type)](value, path=path)}
    else:
        content = _object(value, path=path)
        _check_keys(content, members, path=path)
        found = {key: _READERS[str(members[key].type)](each, path=f"{path}.{key}") for key, each in content.items()}
    return _checked(kind(**found), path=path)


def _check_keys(content: dict[str, Any], members: dict[str, Field[Any]], *, path: str) -> None:
    if unknown := [key for key in content if key not in members]:
        raise BadTree(f"It has the keys {', '.join(members)}, not {_shown(unknown[0])}.", path=path)
    needed = (name for name, each in members.items() if each.default is MISSING)
    if missing := [name for name in needed if name not in content]:
        raise BadTree(f"{missing[0]} is missing.", path=path)


def _checked(leaf: Leaf, *, path: str) -> Node:
    """Every value as the text form has it: the field known, numbers within their bounds."""
    values = [getattr(leaf, each.name) for each in fields(leaf) if each.name != "field"]
    if not any(value is not None and value != () for value in values):
        raise BadTree("This asks for nothing.", path=path)
    query = _read(serialize(leaf), path=path)
    if query != Query((leaf,)):
        raise BadTree(f"This would be read as {shortened(query.text)}; write it so.", path=path)
    return leaf


def _read(text: str, *, path: str) -> Query:
    try:
        return parse(text)
    except InvalidQuery as error:
        raise BadTree(str(error), path=path) from error


def _object(value: object, *, path: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise BadTree("An object belongs here.", path=path)
    return value


def _str(value: object, *, path: str) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not isinstance(value, str) or not text or UNWRITABLE.search(text):
        raise BadTree("Text belongs here.", path=path)
    return text


def _bool(value: object, *, path: str) -> bool:
    if not isinstance(value, bool):
        raise BadTree("true or false belongs here.", path=path)
    return value


def _int(value: object, *, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST:
        raise BadTree("A whole number belongs here.", path=path)
    return value


def _float(value: object, *, path: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= LARGEST:
        raise BadTree("A number belongs here.", path=path)
    return value


def _date(value: object, *, path: str) -> date:
    try:
        if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise BadTree("A day belongs here, as in 2024-05-31.", path=path)


def _strings(value: object, *, path: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BadTree("A list of texts belongs here.", path=path)
    return tuple(_str(each, path=f"{path}[{place}]") for place, each in enumerate(value))


def _optional(read: Callable[..., Any]) -> Callable[..., Any]:
    return lambda value, *, path: None if value is None else read(value, path=path)


def _shown(key: object) -> str:
    return shortened(str(key))


LARGEST = 10**18
_READERS: dict[str, Callable[..., Any]] = {
    "str": _str,
    "bool": _bool,
    "int": _int,
    "float": _float,
    "tuple[str, ...]": _strings,
    "int | None": _optional(_int),
    "float | None": _optional(_float),
    "date | None": _optional(_date),
}
"""By the annotation of the tree's field."""
