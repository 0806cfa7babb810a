"""Subjects of the share form: the object to share, and what others would see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import AbstractBaseUser
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting
from analysis.curation.bulk import Selection
from analysis.models import Collection, Image, ShareLink
from analysis.permissions import collections as rights
from analysis.sharing.share_links import Target, free_collection_name
from analysis.sharing.summaries import Summary, search_result_ids, summary_of
from analysis.web import links


@dataclass(frozen=True)
class ShareSubject:
    """The object to share; `fields` name it in the form, `title` a future collection.

    `private` and `sensitive` label checkboxes; for a single picture, the notes state what it is.
    """

    name: str
    pictures: str
    fields: dict[str, str]
    back_url: str
    thumb: str = ""
    title: str = ""
    private: str = ""
    sensitive: str = ""
    notes: list[str] = field(default_factory=list)
    is_one_picture: bool = False


def subject_of(target: Target, owner: AbstractBaseUser, *, link: ShareLink | None = None) -> ShareSubject:
    """The thing to share.

    With the `link` that exists, the notes say what it leaves out.
    """
    if link is not None and not rights.can_view_target(owner, link):
        return _hidden_picture()
    summary = summary_of(target, owner)
    if isinstance(target, Image):
        return _picture(target, summary)
    is_collection = isinstance(target, Collection)
    return ShareSubject(
        name=str(target),
        pictures=formatting.pictures(summary.total),
        fields={"collection" if is_collection else "search": str(target.pk)},
        back_url=target.get_absolute_url() if isinstance(target, Collection) else reverse("search", args=[target.pk]),
        private=_private(summary),
        sensitive=_sensitive(summary),
        notes=[*_others(summary), *(_left_out(summary, link) if link else [])],
    )


def subject_of_selection(selection: Selection) -> ShareSubject:
    """The subject of a selection, which becomes a collection. Raises ActionRefused."""
    query = selection.query
    ids: Sequence[int] = (
        [image_id for step in selection.steps() for image_id in step]
        if query is None
        else search_result_ids(query.text, selection.person)
    )
    summary = summary_of(ids, selection.person)
    fields = {"ids": ",".join(map(str, ids))} if query is None else {"all": "1", "q": query.text}
    return ShareSubject(
        name=_("Selected pictures"),
        pictures=formatting.pictures(summary.total),
        fields=fields,
        back_url=links.library_url(query) if query is not None else "",
        title=free_collection_name(
            selection.person, name=_("Shared on %(day)s") % {"day": formatting.day(timezone.now())}
        ),
        private=_private(summary),
        sensitive=_sensitive(summary),
        notes=_others(summary),
    )


def _picture(image: Image, summary: Summary) -> ShareSubject:
    notes = []
    fields = {"image": str(image.pk)}
    if summary.private:
        notes.append(_("This picture is private. Anyone with the link can see it."))
        # A link to one picture that leaves this picture out would be empty, so there is no checkbox.
        fields["includes_private"] = "on"
    if summary.sensitive:
        notes.append(_("This picture is sensitive. The link shows it without a blur."))
        fields["includes_sensitive"] = "on"
    return ShareSubject(
        name=str(image),
        pictures="",
        fields=fields,
        back_url=image.get_absolute_url(),
        thumb=links.rendition_url(image, "thumb"),
        notes=notes,
        is_one_picture=True,
    )


def _hidden_picture() -> ShareSubject:
    note = _("Its owner no longer shares this picture, so the link doesn't show it.")
    return ShareSubject(name=_("Picture"), pictures="", fields={}, back_url="", notes=[note], is_one_picture=True)


def _private(summary: Summary) -> str:
    if not summary.private:
        return ""
    text = ngettext(
        "Can also see %(number)s private picture", "Can also see %(number)s private pictures", summary.private
    )
    return formatting.plural(text, summary.private)


def _sensitive(summary: Summary) -> str:
    if not summary.sensitive:
        return ""
    text = ngettext(
        "Can also see %(number)s sensitive picture", "Can also see %(number)s sensitive pictures", summary.sensitive
    )
    return formatting.plural(text, summary.sensitive)


def _others(summary: Summary) -> list[str]:
    if not summary.others:
        return []
    text = ngettext(
        "%(number)s picture that isn't yours is left out: only its owner can share it.",
        "%(number)s pictures that aren't yours are left out: only their owners can share them.",
        summary.others,
    )
    return [formatting.plural(text, summary.others)]


def _left_out(summary: Summary, link: ShareLink) -> list[str]:
    notes = []
    if summary.private and not link.includes_private:
        text = ngettext(
            "This link does not show %(number)s private picture.",
            "This link does not show %(number)s private pictures.",
            summary.private,
        )
        notes.append(formatting.plural(text, summary.private))
    if summary.sensitive and not link.includes_sensitive:
        text = ngettext(
            "This link does not show %(number)s sensitive picture.",
            "This link does not show %(number)s sensitive pictures.",
            summary.sensitive,
        )
        notes.append(formatting.plural(text, summary.sensitive))
    return notes
