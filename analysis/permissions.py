"""Who may: one function for each right, asked by pages, the administration and what goes on in the background alike."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from analysis.models import Batch, Bucket, Image, ImageQuerySet, Viewer
from imagelib.accounts.models import User

Person = AbstractBaseUser | AnonymousUser
VIEW_ONLY_MESSAGE = "Your account may look at pictures, not bring any in. Whoever runs this library can change that."
NOT_THE_OWNER = _("This picture belongs to someone else. Only its owner can do this.")
NOT_A_CURATOR = _("Only a picture's owner and curators can change its labels and tags.")
NO_ANALYSES = _("Your account can't start analyses, because they cost money. Ask an administrator for access.")


class Right(StrEnum):
    """Every permission checked here. tests/web/test_permissions.py opens each page with each of them alone."""

    ADD_IMAGE = "add_image"
    VIEW_IMAGE = "view_image"
    CHANGE_IMAGE = "change_image"
    ADD_VERDICT = "add_verdict"
    ADD_BATCH = "add_batch"
    VIEW_BATCH = "view_batch"
    CHANGE_BATCH = "change_batch"
    VIEW_ANALYSIS = "view_analysis"
    ADD_BUCKET = "add_bucket"
    VIEW_BUCKET = "view_bucket"
    CHANGE_BUCKET = "change_bucket"
    DELETE_BUCKET = "delete_bucket"
    VIEW_STATISTICS = "view_endedstatistics"
    VIEW_SYSTEM = "view_heartbeat"
    CHANGE_OUTAGE = "change_outage"


class May:
    """What a person may do, for templates: each right is asked for when it is needed, once a request."""

    def __init__(self, user: Person) -> None:
        self._user = user

    @cached_property
    def add(self) -> bool:
        return can_upload(self._user)

    @cached_property
    def analyze(self) -> bool:
        """Their own pictures, if they have any."""
        return self.change and may_analyze(self._user)

    @cached_property
    def change(self) -> bool:
        """Whether there are pictures that they may change."""
        return changeable(self._user).exists()

    @cached_property
    def say(self) -> bool:
        return self.change or _has(self._user, Right.ADD_VERDICT)

    @cached_property
    def add_buckets(self) -> bool:
        return may_add_buckets(self._user)

    @cached_property
    def see_system(self) -> bool:
        return sees_system(self._user)

    @cached_property
    def open_admin(self) -> bool:
        return opens_admin(self._user)


def viewer_of(user: Person) -> Viewer:
    return Viewer(person_id=user.pk if user.is_authenticated else None)


def fresh(person_id: int | None) -> User | None:
    """The person as they are now: rights are remembered with a person, and may have been lost since."""
    return User.objects.filter(pk=person_id, is_active=True).first() if person_id is not None else None


def image_for(user: Person, image_id: int) -> Image:
    """The picture, in the trash only for its owner and for staff, or a 404 that does not tell whether it exists."""
    if not user.is_authenticated:
        raise Http404  # numbers can be guessed: a public picture has an address of its own
    return get_object_or_404(pictures_seen(user).select_related("owner"), pk=image_id)


def public_image(public_id: UUID) -> Image:
    """The picture, while it is public, for people who are not signed in."""
    return get_object_or_404(Image.objects.visible_to(Viewer()).select_related("owner"), public_id=public_id)


def pictures_seen(user: Person) -> ImageQuerySet:
    """The pictures that a person who is signed in may open by their number."""
    if can_view_all(user):
        return Image.objects.all()
    return Image.objects.visible_to(viewer_of(user)) | changeable(user).exclude(trashed_at=None)


def can_view_all(user: Person) -> bool:
    """Staff who may look at everybody's pictures: by their address and in the admin, not in searches of their own."""
    return _as_staff(user, Right.VIEW_IMAGE, Right.CHANGE_IMAGE)


def can_edit(user: Person, image: Image) -> bool:
    return user.is_authenticated and user.is_active and image.is_editable_by(user.pk)


def require_may_change(user: Person, image: Image) -> None:
    """Raises PermissionDenied with a sentence, for a picture that the person may see."""
    if not can_edit(user, image):
        raise PermissionDenied(NOT_THE_OWNER)


def changeable(user: Person) -> ImageQuerySet:
    """`may_change` as a condition."""
    return Image.objects.all().editable_by(user.pk if user.is_authenticated and user.is_active else None)


def changes_all(user: Person) -> bool:
    """Staff who may change everybody's pictures, in the admin and what that goes on with in the background."""
    return _as_staff(user, Right.CHANGE_IMAGE)


def can_review_labels(user: Person, image: Image) -> bool:
    """Whether this person may put labels right on a picture they see: its owner, and curators."""
    return can_edit(user, image) or _has(user, Right.ADD_VERDICT)


def sayable(user: Person) -> ImageQuerySet:
    """`may_say` as a condition, on all pictures."""
    return changeable(user) | pictures_seen(user) if _has(user, Right.ADD_VERDICT) else changeable(user)


def can_upload(user: Person) -> bool:
    """Whether this person may bring pictures in: whom nobody has put into any group may, viewers and curators not."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or not _is_in_groups(user) or _has(user, Right.ADD_IMAGE)


def require_upload_permission(user: Person) -> None:
    """Raises PermissionDenied with a sentence."""
    if not can_upload(user):
        raise PermissionDenied(VIEW_ONLY_MESSAGE)


def may_analyze(user: Person) -> bool:
    """Whether this person may have their own pictures analyzed again, which costs money as bringing them in does."""
    return can_upload(user) or _has(user, Right.ADD_BATCH)


def require_may_analyze(user: Person) -> None:
    """Raises PermissionDenied with a sentence."""
    if not may_analyze(user):
        raise PermissionDenied(NO_ANALYSES)


def may_choose_apis(user: Person) -> bool:
    """Whether this person may put APIs on the bill that RECOGNIZER_APIS does not switch on."""
    return _has(user, Right.ADD_BATCH)


def analyzes_all(user: Person) -> bool:
    """Staff who may have everybody's pictures analyzed: who starts runs, and may see what these are about."""
    return _as_staff(user, Right.ADD_BATCH) and can_view_all(user)


def batches_of(user: Person) -> QuerySet[Batch]:
    """The runs a person may see: their own, or everybody's."""
    every = Batch.objects.select_related("person")
    return every if _as_staff(user, Right.VIEW_BATCH, Right.CHANGE_BATCH) else every.filter(person_id=user.pk)


def may_steer(user: Person, batch: Batch) -> bool:
    """Whether this person may pause, resume and cancel a run: their own, or anybody's."""
    return (user.is_active and batch.person_id is not None and batch.person_id == user.pk) or steers_all(user)


def steers_all(user: Person) -> bool:
    return _as_staff(user, Right.CHANGE_BATCH)


def sees_all_failures(user: Person) -> bool:
    """Whether the failures of everybody's analyses are told to this person."""
    return _as_staff(user, Right.VIEW_ANALYSIS)


def buckets_for(user: Person) -> QuerySet[Bucket]:
    """Those whose pictures are theirs; all of them for staff who may see buckets."""
    every = Bucket.objects.select_related("owner").order_by("name", "prefix")
    return every if sees_all_buckets(user) else every.filter(owner_id=user.pk)


def sees_all_buckets(user: Person) -> bool:
    return _as_staff(user, Right.VIEW_BUCKET, Right.CHANGE_BUCKET, Right.DELETE_BUCKET)


def bucket_for(user: Person, bucket_id: int) -> Bucket:
    """The bucket, or a 404 that does not tell whether it exists."""
    return get_object_or_404(buckets_for(user), pk=bucket_id)


def may_sync(user: Person, bucket: Bucket) -> bool:
    """Whether this person may have a bucket compared with the library."""
    return (user.is_active and bucket.owner_id == user.pk) or _as_staff(user, Right.CHANGE_BUCKET)


def may_analyze_bucket(user: Person, bucket: Bucket) -> bool:
    """Whether this person may have the failed analyses of a bucket's pictures retried."""
    return may_sync(user, bucket) and (analyzes_all(user) or (bucket.owner_id == user.pk and may_analyze(user)))


def may_add_buckets(user: Person) -> bool:
    """Staff alone: whoever names a bucket has the server's own permissions read it."""
    return _as_staff(user, Right.ADD_BUCKET)


def may_edit_buckets(user: Person) -> bool:
    return _as_staff(user, Right.CHANGE_BUCKET)


def may_remove_buckets(user: Person) -> bool:
    return _as_staff(user, Right.DELETE_BUCKET)


def sees_figures(user: Person) -> bool:
    """Whether the whole library's figures are told to this person."""
    return _as_staff(user, Right.VIEW_STATISTICS)


def sees_system(user: Person) -> bool:
    """Whether this person sees how the place is run: settings, queues, outages, what is spent."""
    return _as_staff(user, Right.VIEW_SYSTEM)


def may_probe(user: Person) -> bool:
    """Whether this person may have an API asked now that has been out of order."""
    return _as_staff(user, Right.CHANGE_OUTAGE)


def opens_admin(user: Person) -> bool:
    """Staff for whom there is anything in the administration."""
    return isinstance(user, User) and is_staff(user) and (user.is_superuser or bool(user.get_all_permissions()))


def require(is_allowed: bool) -> None:
    """A 404 for everybody else: no one learns that there is such a page."""
    if not is_allowed:
        raise Http404


def is_staff(user: Person) -> bool:
    """Whether the administration is open to this person. What they may there, their permissions say."""
    return bool(getattr(user, "is_staff", False)) and user.is_active


def may_change_person(user: Person, other: User) -> bool:
    """Whether this person may change that account: but for superusers nobody changes other staff's, to act as them."""
    is_trusted = isinstance(user, User) and user.is_superuser
    return is_trusted or other.pk == user.pk or not (other.is_staff or other.is_superuser)


def _as_staff(user: Person, *rights: Right) -> bool:
    """Staff with any of these rights."""
    return is_staff(user) and any(_has(user, right) for right in rights)


def _is_in_groups(user: User) -> bool:
    """Remembered with the person, as Django does with permissions."""
    if not hasattr(user, "_is_in_groups"):
        user._is_in_groups = user.groups.exists()  # type: ignore[attr-defined]
    return bool(user._is_in_groups)  # type: ignore[attr-defined]


def _has(user: Person, right: Right) -> bool:
    return isinstance(user, User) and user.has_perm(f"analysis.{right}")
