"""Collections: their names, pictures and people."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, connection, transaction
from django.db.models import Max, Value
from django.db.models.functions import Concat, Length, Now, Substr
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.curation.positions import positions_between
from analysis.models import Collection, CollectionImage, CollectionMember, Image
from analysis.models.collections import NAME_LENGTH

MAX_LEVELS = 10
MAX_DESCRIPTION = 5_000
MAX_IMAGES = 20_000
"""Pictures of one collection. For more there are saved searches."""
UNDO_WINDOW = timedelta(hours=24)


class PlacedImage(NamedTuple):
    """A picture and its position, for Undo."""

    image_id: int
    position: str
    added_by_id: int | None


def clean_collection_name(text: str) -> str:
    """The name with single blanks and slashes. Raises ActionRefused."""
    levels = [" ".join(level.replace("\x00", " ").split()) for level in text.split("/")]
    name = "/".join(level for level in levels if level)
    if not name:
        raise ActionRefused(_("A collection needs a name."))
    if len(name) > NAME_LENGTH:
        raise ActionRefused(_("A name can have at most %(limit)s characters.") % {"limit": NAME_LENGTH})
    if name.count("/") >= MAX_LEVELS:
        raise ActionRefused(_("A name can have at most %(limit)s levels.") % {"limit": MAX_LEVELS})
    return name


def describe(collection: Collection, *, text: str) -> None:
    """Save a description. Raises ActionRefused for one that is too long."""
    text = text.replace("\x00", " ").replace("\r\n", "\n").strip()
    if len(text) > MAX_DESCRIPTION:
        limit = formatting.count(MAX_DESCRIPTION)
        raise ActionRefused(_("A description can have at most %(limit)s characters.") % {"limit": limit})
    Collection.objects.filter(pk=collection.pk).update(description=text)


def create(owner: AbstractBaseUser, *, name: str) -> Collection:
    """A new collection. Raises ActionRefused for a name in use."""
    name = clean_collection_name(name)
    with _unique(name):
        return Collection.objects.create(owner_id=owner.pk, name=name)


def get_or_create(owner: AbstractBaseUser, *, name: str) -> Collection:
    """The owner's collection of this name, whatever its case.

    Raises ActionRefused.
    """
    own = Collection.objects.filter(owner_id=owner.pk, deleted_at=None, name__iexact=clean_collection_name(name))
    if existing := own.first():
        return existing
    try:
        return create(owner, name=name)
    except ActionRefused:
        # Another request created it at the same time, for example another upload.
        if existing := own.first():
            return existing
        raise


def rename(collection: Collection, *, name: str) -> None:
    """Rename a collection, and the levels of those below it."""
    name, old = clean_collection_name(name), collection.name
    own = Collection.objects.filter(owner_id=collection.owner_id, deleted_at=None)
    below = own.filter(name__istartswith=f"{old}/")
    longest = below.aggregate(longest=Max(Length("name")))["longest"] or 0
    if longest - len(old) + len(name) > NAME_LENGTH:
        raise ActionRefused(_("The name of a collection below this one would be too long."))
    with _unique(name):
        below.update(name=Concat(Value(name), Substr("name", len(old) + 1)))
        own.filter(pk=collection.pk).update(name=name)
    collection.name = name


def add(collection: Collection, selection: Selection, *, maximum: int = MAX_IMAGES) -> list[int]:
    """Append the selected pictures that the person sees; returns the ids of new ones.

    Raises ActionRefused if it would have more than `maximum`.
    """
    added: list[int] = []
    with transaction.atomic():
        lock(collection)
        present = set(collection.entries.values_list("image_id", flat=True))
        for image_ids in selection.steps():
            visible = Image.objects.visible_to(selection.viewer).filter(pk__in=image_ids)
            missing = set(visible.values_list("pk", flat=True)) - present
            added += [image_id for image_id in image_ids if image_id in missing]
            present |= missing
            if len(present) > maximum:
                raise ActionRefused(_too_many(maximum))
        _append(collection, added, by_id=selection.person.pk)
    return added


def add_image(collection: Collection, image_id: int, *, by_id: int, maximum: int = MAX_IMAGES) -> None:
    """Append one picture unless it is in the collection. Raises ActionRefused.

    Unlike `add`, it does not read the collection, since thousands of uploads may follow each other.
    """
    with transaction.atomic():
        lock(collection)
        if collection.entries.filter(image_id=image_id).exists():
            return
        if collection.entries.count() >= maximum:
            raise ActionRefused(_too_many(maximum))
        _append(collection, [image_id], by_id=by_id)


def remove(collection: Collection, image_ids: Ids[int]) -> list[PlacedImage]:
    """Remove pictures; returns them for `restore_positions`."""
    with transaction.atomic():
        lock(collection)
        removed = placed_images(collection, image_ids)
        collection.entries.filter(image_id__in=image_ids).delete()
        Collection.objects.filter(pk=collection.pk, cover__in=image_ids).update(cover=None)
    return removed


def placed_images(collection: Collection, image_ids: Ids[int] | None = None) -> list[PlacedImage]:
    """These pictures of a collection, or all, at their positions."""
    entries = collection.entries.all() if image_ids is None else collection.entries.filter(image_id__in=image_ids)
    return [PlacedImage(*row) for row in entries.values_list("image_id", "position", "added_by_id")]


def restore_positions(collection: Collection, rows: Sequence[PlacedImage], *, were_removed: bool) -> int:
    """Undo of removing, moving and sorting: pictures at the positions they had.

    Unless they `were_removed` by the change, pictures that are no longer in the collection are left out.
    """
    with transaction.atomic():
        lock(collection)
        image_ids = [row.image_id for row in rows]
        # Others may have removed some since, so that a private picture is no longer seen.
        present = collection.entries.filter(image_id__in=image_ids).values_list("image_id", flat=True)
        existing = set(Image.objects.filter(pk__in=image_ids).values_list("pk", flat=True) if were_removed else present)
        people = get_user_model()._default_manager.filter(pk__in={row.added_by_id for row in rows if row.added_by_id})
        person_ids = set(people.values_list("pk", flat=True))
        entries = [
            CollectionImage(
                collection=collection,
                image_id=row.image_id,
                position=row.position,
                added_by_id=row.added_by_id if row.added_by_id in person_ids else None,
            )
            for row in rows
            if row.image_id in existing
        ]
        CollectionImage.objects.bulk_create(
            entries,
            batch_size=1_000,
            update_conflicts=True,
            unique_fields=["collection", "image"],
            update_fields=["position"],
        )
    return len(entries)


def share_with(collection: Collection, *, username: str, can_edit: bool) -> CollectionMember:
    """Share with a person, or change what they may do. Raises ActionRefused."""
    people = get_user_model()._default_manager.filter(is_active=True)
    name = username.replace("\x00", " ").strip()
    # The exact name first: another person's may differ by case only.
    person = people.filter(username=name).first() or people.filter(username__iexact=name).first()
    if person is None:
        raise ActionRefused(_("There is no account named “%(name)s”.") % {"name": name})
    if person.pk == collection.owner_id:
        raise ActionRefused(_("They already own this collection."))
    member, _is_new = CollectionMember.objects.update_or_create(
        collection=collection, user=person, defaults={"can_edit": can_edit}
    )
    return member


def delete(collection: Collection) -> None:
    """Delete a collection; its pictures stay. `restore` undoes it for a day."""
    Collection.objects.filter(pk=collection.pk).update(deleted_at=Now())


def restore(collection: Collection) -> None:
    """Undo of `delete`. Raises ActionRefused if its name is in use again."""
    with _unique(collection.name):
        Collection.objects.filter(pk=collection.pk).update(deleted_at=None)


def delete_expired() -> None:
    """Delete collections for good whose deletion can no longer be undone."""
    expired = Collection.objects.filter(deleted_at__lte=Now() - UNDO_WINDOW)
    # The pictures first, by one statement, since Django's cascade would load each row to delete it.
    entries = CollectionImage.objects.filter(collection__in=expired.values("pk"))
    entries._raw_delete(entries.db)
    expired.delete()


def lock(collection: Collection) -> None:
    """Lock a collection, so that concurrent changes take turns."""
    if not Collection.objects.select_for_update().filter(pk=collection.pk, deleted_at=None).values_list("pk"):
        raise ActionRefused(_("This collection was deleted."))


def _append(collection: Collection, image_ids: Sequence[int], *, by_id: int) -> None:
    last = collection.entries.aggregate(last=Max("position"))["last"]
    positions = positions_between(last, None, len(image_ids))
    with connection.cursor() as cursor:
        # Takes a tenth of the time of bulk_create, which makes an object and four parameters per row.
        cursor.execute(
            """INSERT INTO analysis_collectionimage (collection_id, image_id, position, added_by_id)
               SELECT %s, added.image_id, added.position, %s
               FROM unnest(%s::bigint[], %s::text[]) AS added(image_id, position)""",
            [collection.pk, by_id, list(image_ids), positions],
        )
    Collection.objects.filter(pk=collection.pk).update(changed_at=Now())


@contextmanager
def _unique(name: str) -> Iterator[None]:
    """Raise ActionRefused for a name in use, by the error of its constraint."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise ActionRefused(
            _("You already have a collection named “%(name)s”. Choose another name.") % {"name": name}
        ) from error


def _too_many(maximum: int) -> str:
    limit = formatting.count(maximum)
    return _("A collection can have at most %(limit)s pictures. Save the search instead.") % {"limit": limit}
