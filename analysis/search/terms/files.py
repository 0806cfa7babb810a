"""Terms about the file: `name:`, `bucket:`, `format:`, `camera:` and `lens:`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.models import Image, Viewer
from analysis.models.expressions import FoldedTrigrams
from analysis.search.database import fetch_all
from analysis.search.folding import fold_name
from analysis.search.literals import quoted
from analysis.search.sql.conditions import contains, image_condition
from analysis.search.sql.expressions import FALSE, Sql, any_of
from analysis.search.terms.base import Resolution, Term, Value

FORMAT_ALIASES = {"jpg": "jpeg", "tif": "tiff", "heif": "heic"}
NAME_TRIGRAMS = FoldedTrigrams.template % {"expressions": "i.filename || chr(10) || i.title"}
# The index also has single characters, by which texts of one or two characters are found.
_TEXT_TRIGRAMS = """
    (SELECT array_agg(DISTINCT substr(said.name, place, said.size)) FROM (
        SELECT name, CASE WHEN length(name) < 3 THEN 1 ELSE 3 END AS size FROM analysis_folded(%s) name) said,
        generate_series(1, length(said.name) - said.size + 1) place)
"""
MAX_CAMERAS_READ = 5_000
"""Maximum number of distinct cameras to look up, about 50 ms. With more, images are searched without an index."""
# A skip scan over distinct cameras, of which there are few, since PostgreSQL 17 has none for DISTINCT.
_MATCHING_CAMERAS = f"""
    WITH RECURSIVE every AS (
        (SELECT camera_make, camera_model, lens FROM analysis_image ORDER BY 1, 2, 3 LIMIT 1)
        UNION ALL
        SELECT following.* FROM every, LATERAL (
            SELECT i.camera_make, i.camera_model, i.lens FROM analysis_image i
            WHERE (i.camera_make, i.camera_model, i.lens) > (every.camera_make, every.camera_model, every.lens)
            ORDER BY 1, 2, 3 LIMIT 1) following),
    used AS MATERIALIZED (SELECT * FROM every LIMIT {MAX_CAMERAS_READ + 1})
    SELECT 0 AS place, count(*)::text, '', '' FROM used
    UNION ALL
    SELECT place, camera_make, camera_model, lens FROM used
    JOIN unnest(%s::text[]) WITH ORDINALITY AS said (text, place)
        ON strpos(analysis_folded({{}}), analysis_folded(text)) > 0
"""
MAX_CAMERAS = 100
"""Up to this many cameras are listed in a condition, for which PostgreSQL can use the index even within OR."""


def trigram_match(trigrams: str, text: str) -> Sql | None:
    """The trigrams of a column include those of a text; None if they always do.

    `trigrams`: an indexed expression by FoldedTrigrams.
    """
    return Sql(f"{trigrams} @> {_TEXT_TRIGRAMS}", (text,)) if fold_name(text) else None


@dataclass(frozen=True)
class FileTerm(Term):
    """Images with this text in one of their own fields.

    Case and accents make no difference.
    """

    title: ClassVar[str | Promise]
    text: str

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> Self:
        return cls(value.text)

    def write(self) -> str:
        return f"{self.fields[0]}:{quoted(self.text)}"

    def describe(self) -> str:
        return _("%(field)s contains %(value)s") % {"field": self.title, "value": self.text}


class NameTerm(FileTerm):
    """Images with this text in their title or file name."""

    fields = ("name",)
    title = gettext_lazy("name")
    default_cost = (8, "name:")

    def condition(self, resolved: Resolution) -> Sql:
        sql = any_of(contains(column, self.text) for column in ("filename", "title"))
        return image_condition(sql.text, *sql.values)

    def image_filter(self, resolved: Resolution) -> Sql | None:
        return trigram_match(NAME_TRIGRAMS, self.text)


class BucketTerm(FileTerm):
    """Images in one of the viewer's buckets with this text in its name."""

    fields = ("bucket",)
    title = gettext_lazy("bucket")
    default_cost = (8, "bucket:")

    def condition(self, resolved: Resolution) -> Sql:
        buckets = self._buckets(resolved)
        return image_condition(f"coalesce(bucket_id IN ({buckets.text}), false)", *buckets.values)

    def image_filter(self, resolved: Resolution) -> Sql | None:
        buckets = self._buckets(resolved)
        return Sql(f"i.bucket_id = ANY(ARRAY({buckets.text}))", buckets.values)

    def _buckets(self, resolved: Resolution) -> Sql:
        """Ids of the buckets."""
        # Matching the buckets of others would reveal their names.
        named = contains("name", self.text)
        statement = f"SELECT id FROM analysis_bucket WHERE {named.text}"
        if resolved.viewer.sees_all:
            return Sql(statement, named.values)
        return Sql(f"{statement} AND owner_id = %s", (*named.values, resolved.viewer.user_id))


class FormatTerm(FileTerm):
    """Images in this format."""

    fields = ("format",)
    title = gettext_lazy("format")
    suggestions: ClassVar = {"format": Image.Format.values}

    def describe(self) -> str:
        return _("%(field)s: %(value)s") % {"field": self.title, "value": self.text}

    def condition(self, resolved: Resolution) -> Sql:
        return image_condition("format = %s", self._format)

    def image_filter(self, resolved: Resolution) -> Sql | None:
        return Sql("i.format = %s", (self._format,))

    @property
    def _format(self) -> str:
        return FORMAT_ALIASES.get(self.text.lower(), self.text.lower())


class CameraTerm(FileTerm):
    """Images with this text in the camera's make or model, or in the lens."""

    fields = ("camera",)
    title = gettext_lazy("camera")
    default_cost = (8, "camera:")
    searched: ClassVar = "concat_ws(' ', camera_make, camera_model, lens)"

    @classmethod
    def resolve_all(cls, terms: Sequence[Self], viewer: Viewer) -> dict[Term, Any]:
        """The cameras that each term matches, as tuples of make, model and lens."""
        texts = [term.text for term in terms]
        [(_, number, *_), *rows] = sorted(fetch_all(_MATCHING_CAMERAS.format(cls.searched), [texts]))
        if int(number) > MAX_CAMERAS_READ:
            return {}
        return {term: [camera for number, *camera in rows if number == at] for at, term in enumerate(terms, start=1)}

    def condition(self, resolved: Resolution) -> Sql:
        sql = contains(self.searched, self.text)
        return image_condition(sql.text, *sql.values)

    def image_filter(self, resolved: Resolution) -> Sql | None:
        cameras = resolved.values.get(self)
        if cameras is None:
            return None
        if not cameras:
            return FALSE
        if len(cameras) > MAX_CAMERAS:
            columns = [list(column) for column in zip(*cameras, strict=True)]
            cameras_sql = "SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])"
            return Sql(f"(i.camera_make, i.camera_model, i.lens) IN ({cameras_sql})", tuple(columns))
        rows = ", ".join(["(%s, %s, %s)"] * len(cameras))
        values = tuple(value for camera in cameras for value in camera)
        return Sql(f"(i.camera_make, i.camera_model, i.lens) IN ({rows})", values)


class LensTerm(CameraTerm):
    """Images with this text in the lens."""

    fields = ("lens",)
    title = gettext_lazy("lens")
    default_cost = (8, "lens:")
    searched = "lens"
