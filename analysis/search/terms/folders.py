"""Folder and key: `folder:2019`, `folder:archive/2019/*`, `key:summer/IMG_1`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.models import Viewer
from analysis.models.expressions import FoldedTrigrams
from analysis.search.database import fetch_all
from analysis.search.literals import quoted
from analysis.search.sql.conditions import contains, image_condition
from analysis.search.sql.expressions import FALSE, Sql, all_of, any_of
from analysis.search.terms.base import Resolution, Term, Value
from analysis.search.terms.files import NAME_TRIGRAMS, trigram_match

MAX_FOLDERS = 1_000
"""Up to this many folders are listed in a condition; more are looked up once per statement."""
_PATH_TRIGRAMS = FoldedTrigrams.template % {"expressions": "f.path"}


class _Folders(NamedTuple):
    """Folders by a condition about `analysis_folder f`; their ids if they are few."""

    test: Sql
    ids: tuple[int, ...] | None

    @property
    def condition(self) -> Sql:
        """About the columns of an image; never null."""
        if self.ids is None:
            text = f"coalesce(folder_id IN (SELECT f.id FROM analysis_folder f WHERE {self.test.text}), false)"
            return Sql(text, self.test.values)
        return Sql("coalesce(folder_id = ANY(%s::bigint[]), false)", (list(self.ids),)) if self.ids else FALSE

    @property
    def image_filter(self) -> Sql | None:
        """The same for the index of `analysis_image i`; None if it would find too many."""
        return None if self.ids is None else Sql("i.folder_id = ANY(%s::bigint[])", (list(self.ids),))


@dataclass(frozen=True)
class PathTerm(Term):
    """A part of a path, or its beginning if followed by an asterisk.

    Case and accents make no difference. Paths are compared with a slash before the first name and after the last one,
    so that `/2019/` matches a whole name.
    """

    title: ClassVar[str | Promise]
    takes_prefix = True
    text: str
    is_prefix: bool = False

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> Self:
        return cls(value.text, value.is_prefix)

    def write(self) -> str:
        return f"{self.fields[0]}:{quoted(self.text)}{'*' if self.is_prefix else ''}"

    def describe(self) -> str:
        values = {"field": self.title, "value": self.text}
        return (
            _("%(field)s starts with %(value)s") % values
            if self.is_prefix
            else _("%(field)s contains %(value)s") % values
        )

    @classmethod
    def resolve_all(cls, terms: Sequence[Self], viewer: Viewer) -> dict[Term, Any]:
        """The folders that each of the term's conditions names."""
        return {term: [_resolved(test) for test in term.folder_tests()] for term in terms}

    def folder_tests(self) -> list[Sql]:
        """Conditions about `analysis_folder f`."""
        path = "f.path || '/'" if self.is_prefix else "'/' || f.path || '/'"
        return [_narrowed(contains(path, self.typed, at_start=self.is_prefix), self.typed.strip("/"))]

    @property
    def typed(self) -> str:
        """The text as paths are stored: without a leading slash or empty names."""
        text = re.sub("/{2,}", "/", self.text)
        return text.removeprefix("/") if self.is_prefix else text


class FolderTerm(PathTerm):
    """Images in the folders whose path has this text, and in those below them."""

    fields = ("folder",)
    title = gettext_lazy("folder")
    default_cost = (8, "folder:")

    def condition(self, resolved: Resolution) -> Sql:
        [folders] = resolved.values[self]
        sql = folders.condition
        return sql if sql == FALSE else image_condition(sql.text, *sql.values)

    def image_filter(self, resolved: Resolution) -> Sql | None:
        folders: _Folders = resolved.values[self][0]
        return folders.image_filter


class KeyTerm(PathTerm):
    """Images whose path with the file name has this text: for a bucket, its key."""

    fields = ("key",)
    title = gettext_lazy("key")
    default_cost = (8, "key:")

    def folder_tests(self) -> list[Sql]:
        """Folders that match alone, and those that match with the file name's start."""
        head, slash, _name = self.typed.rpartition("/")
        if self.is_prefix:
            above = contains("f.path", head, at_start=True, at_end=True)
        else:
            above = contains("'/' || f.path || '/'", f"{head}/", at_end=True)
        return [*super().folder_tests(), _narrowed(above, head.strip("/")) if slash and head else FALSE]

    def condition(self, resolved: Resolution) -> Sql:
        folders, above = resolved.values[self]
        head, slash, name = self.typed.rpartition("/")
        starts = contains("filename", name, at_start=True)
        tests = [folders.condition, all_of([above.condition, starts])]
        if not slash:  # no part of the text is a folder's name
            tests.append(all_of([Sql("folder_id IS NULL"), starts]) if self.is_prefix else contains("filename", name))
        elif not head and not self.is_prefix:
            tests.append(starts)
        sql = any_of(tests)
        return image_condition(sql.text, *sql.values)

    def image_filter(self, resolved: Resolution) -> Sql | None:
        folders, above = resolved.values[self]
        filters = [folders.image_filter, above.image_filter]
        head, _slash, name = self.typed.rpartition("/")
        if not head:  # the name alone may match
            filters.append(trigram_match(NAME_TRIGRAMS, name))
        return any_of(sql for sql in filters if sql) if all(filters) else None


def _narrowed(test: Sql, text: str) -> Sql:
    """A test of paths that contain the text, by the index of their trigrams."""
    match = trigram_match(_PATH_TRIGRAMS, text)
    return all_of([match, test]) if match else test


def _resolved(test: Sql) -> _Folders:
    if test == FALSE:
        return _Folders(test, ())
    statement = f"SELECT f.id FROM analysis_folder f WHERE {test.text} LIMIT {MAX_FOLDERS + 1}"
    ids = tuple(folder_id for (folder_id,) in fetch_all(statement, test.values))
    return _Folders(test, ids if len(ids) <= MAX_FOLDERS else None)
