"""Reasons why a search for similar pictures has no results."""

from __future__ import annotations

from django.utils.translation import gettext as _

from analysis.models import Image, Viewer
from analysis.recognition.embeddings import queue, table
from analysis.search.query import Query, leaves
from analysis.search.terms import SimilarTerm


def no_similar_pictures(query: Query, *, viewer: Viewer) -> str:
    """The reason why a similarity search found nothing; empty for other searches.

    It reveals nothing about pictures that the viewer may not see.
    """
    term = next((leaf for part in query.parts for leaf in leaves(part) if isinstance(leaf, SimilarTerm)), None)
    if term is None:
        return ""
    if not table.exists():
        return _("Similar pictures are not available: the database server doesn't have the pgvector extension.")
    image_id = term.visible_ids([term], viewer).get(term)
    if image_id is None:
        return _("Picture %(number)s doesn't exist, or you don't have access to it.") % {"number": term.picture}
    return _missing_embedding_reason(image_id, viewer)


def _missing_embedding_reason(image_id: int, viewer: Viewer) -> str:
    if queue.has_vector(image_id):
        return _("No similar pictures found.")
    if not queue.is_enabled():
        return _("Similar pictures are switched off on this server.")
    if error := queue.failure(image_id):
        # Errors name buckets and keys, so they are for users who may edit the picture.
        if not Image.objects.all().editable_by(viewer.user_id).filter(pk=image_id).exists():
            error = _("its file can't be read.")
        return _("Similar pictures could not be found: %(error)s") % {"error": error}
    return _("Similar pictures appear here once this picture has been processed.")
