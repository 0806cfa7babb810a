"""Counts the pictures that a link would show, before it is created."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser

from analysis.models import Collection, Image, SavedSearch, Viewer
from analysis.search.query import Query
from analysis.search.results import Search
from analysis.search.sensitive import sensitive_ids
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import time_limit
from analysis.sharing.share_links import Target
from analysis.sharing.shared_images import MAX_RESULTS


@dataclass(frozen=True)
class Summary:
    """Numbers of pictures. `others`: those that only their owners can share."""

    total: int
    private: int
    sensitive: int
    others: int


def summary_of(target: Target | Sequence[int], owner: AbstractBaseUser) -> Summary:
    """The summary of a target, or of a selection by ids."""
    ids = _image_ids(target, owner)
    visible = Image.objects.visible_to(Viewer(user_id=owner.pk)).filter(pk__in=ids)
    rows = list(visible.values_list("pk", "owner_id", "visibility"))
    shareable = [
        (pk, visibility)
        for pk, owner_id, visibility in rows
        if owner_id == owner.pk or visibility == Image.Visibility.PUBLIC
    ]
    return Summary(
        total=len(shareable),
        private=sum(visibility == Image.Visibility.PRIVATE for _pk, visibility in shareable),
        sensitive=len(sensitive_ids([pk for pk, _visibility in shareable])),
        others=len(rows) - len(shareable),
    )


def _image_ids(target: Target | Sequence[int], owner: AbstractBaseUser) -> list[int]:
    match target:
        case Image():
            return [target.pk]
        case Collection():
            return list(target.entries.values_list("image_id", flat=True))
        case SavedSearch():
            return search_result_ids(target.query, owner)
        case _:
            return list(target)


def search_result_ids(text: str, owner: AbstractBaseUser) -> list[int]:
    """The first results of a search; none for one that is invalid or too slow."""
    try:
        query: Query = parse(text)
        with time_limit():
            return Search(query, Viewer(user_id=owner.pk)).image_ids(limit=MAX_RESULTS)
    except InvalidQuery:
        return []
