"""Template values of the pages behind a share link: cards, a picture, metadata."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.models import Image, ShareLink
from analysis.sharing.shared_images import shared_images
from analysis.web import links
from analysis.web.aspect_ratios import ratio_class
from analysis.web.image.metadata_rows import MetadataRow, metadata_rows

PAGE_SIZE = 60


@dataclass(frozen=True)
class SharedCard:
    url: str
    thumb: str
    placeholder: str
    ratio: str
    alt: str


@dataclass(frozen=True)
class SharedPicture:
    """A picture on its page; `position` is for example "3 of 12"."""

    name: str
    preview: str
    placeholder: str
    width: int
    height: int
    position: str
    previous_url: str
    next_url: str
    download_url: str


def link_title(link: ShareLink) -> str:
    if link.collection is not None:
        return link.collection.title
    if link.search is not None:
        return link.search.name
    return picture_name(link, link.image) if link.image is not None else ""


def picture_name(link: ShareLink, image: Image) -> str:
    """The picture's title; the file name only if the link shows metadata."""
    return str(image) if link.shows_metadata else image.title or _("Picture")


def shared_card(link: ShareLink, image: Image) -> SharedCard:
    return SharedCard(
        url=reverse("share-picture", args=[link.token, image.public_id]),
        thumb=_rendition_url(link, image, "thumb"),
        placeholder=links.data_uri(image.placeholder),
        ratio=ratio_class(*image.shown_size),
        alt=picture_name(link, image),
    )


def shared_picture(link: ShareLink, image: Image, image_ids: list[int]) -> SharedPicture:
    index = image_ids.index(image.pk) if image.pk in image_ids else 0
    near = image_ids[max(index - 1, 0) : index + 2] if len(image_ids) > 1 else []
    urls = {
        neighbor.pk: reverse("share-picture", args=[link.token, neighbor.public_id])
        for neighbor in shared_images(link, near)
    }
    values = {"position": formatting.count(index + 1), "total": formatting.count(len(image_ids))}
    return SharedPicture(
        name=picture_name(link, image),
        preview=_rendition_url(link, image, "preview"),
        placeholder=links.data_uri(image.placeholder),
        width=image.shown_size[0],
        height=image.shown_size[1],
        position=_("%(position)s of %(total)s") % values if len(image_ids) > 1 else "",
        previous_url=urls.get(image_ids[index - 1], "") if index else "",
        next_url=urls.get(image_ids[index + 1], "") if index + 1 < len(image_ids) else "",
        download_url=reverse("share-download", args=[link.token, image.public_id]) if link.allows_download else "",
    )


def grid_url(link: ShareLink, image: Image, image_ids: list[int]) -> str:
    """URL of the page of the grid that contains the picture."""
    page = image_ids.index(image.pk) // PAGE_SIZE + 1 if image.pk in image_ids else 1
    return links.with_parameters(link.get_absolute_url(), page=page if page > 1 else "")


def shared_metadata(link: ShareLink, image: Image) -> list[MetadataRow]:
    if not link.shows_metadata:
        return []
    return metadata_rows(image, reader=AnonymousUser(), now=now(), shows_place=True)


def _rendition_url(link: ShareLink, image: Image, name: str) -> str:
    """This server's URL, as the storage's own URL would work without the link."""
    return reverse("share-rendition", args=[link.token, image.public_id, name])
