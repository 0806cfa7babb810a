"""Who may: the audience of a request and the pictures it may open, here and nowhere else."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from analysis.models import Audience, Bucket, Image


def audience_of(user: AbstractBaseUser | AnonymousUser) -> Audience:
    return Audience(person_id=user.pk if user.is_authenticated else None)


def image_for(user: AbstractBaseUser | AnonymousUser, image_id: int) -> Image:
    """The picture, in the trash only for its owner, or a 404 that does not tell whether it exists."""
    visible = Image.objects.visible_to(audience_of(user))
    trashed = Image.objects.changeable_by(user.pk).exclude(trashed_at=None)
    return get_object_or_404((visible | trashed).select_related("owner"), pk=image_id)


def buckets_of(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Bucket]:
    """Those whose pictures are theirs; all of them for whoever runs the place."""
    every = Bucket.objects.select_related("owner").order_by("name", "prefix")
    return every if is_staff(user) else every.filter(owner_id=user.pk)


def bucket_for(user: AbstractBaseUser | AnonymousUser, bucket_id: int) -> Bucket:
    """The bucket, or a 404 that does not tell whether it exists."""
    return get_object_or_404(buckets_of(user), pk=bucket_id)


def may_change(user: AbstractBaseUser | AnonymousUser, image: Image) -> bool:
    return user.is_authenticated and image.is_changeable_by(user.pk)


def for_staff(user: AbstractBaseUser | AnonymousUser) -> None:
    """A 404 for everybody who does not run the place: no one learns that there is such a page."""
    if not is_staff(user):
        raise Http404


def is_staff(user: AbstractBaseUser | AnonymousUser) -> bool:
    return bool(getattr(user, "is_staff", False)) and user.is_active
