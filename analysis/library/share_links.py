"""Share links and collection entries of pictures that are deleted for good."""

from __future__ import annotations

from collections.abc import Collection as Ids

from analysis.models import Collection, CollectionImage, ShareLink


def delete_links_of(image_ids: Ids[int]) -> None:
    """Delete the links of these pictures, and take the pictures out of collections.

    By four statements, where Django's cascade would load all rows. Share links of collections stay.
    """
    ShareLink.objects.filter(image__in=image_ids).delete()
    CollectionImage.objects.filter(image__in=image_ids).delete()
    Collection.objects.filter(cover__in=image_ids).update(cover=None)
