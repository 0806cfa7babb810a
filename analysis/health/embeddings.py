"""Checks similarity search: pgvector, the model, and embeddings of all pictures."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis.findings import Finding, ok, warning
from analysis.formatting import count, pictures, plural
from analysis.recognition.embeddings import queue, table
from analysis.recognition.embeddings.table import PgvectorStatus
from analysis.recognition.local.prepared_models import has_classifier

SUBJECT = "similar pictures"
_PGVECTOR = {
    PgvectorStatus.MISSING: (
        gettext_lazy("Off: the PostgreSQL server doesn't have the pgvector extension. Everything else works."),
        gettext_lazy("Install pgvector 0.8 or newer on the server, then run `manage.py migrate`."),
    ),
    PgvectorStatus.OLD: (
        gettext_lazy("Off: the PostgreSQL server's pgvector is too old. Everything else works."),
        gettext_lazy(
            "Install pgvector 0.8 or newer on the server, run ALTER EXTENSION vector UPDATE in the database if it"
            " already has the extension, then run `manage.py migrate`."
        ),
    ),
    PgvectorStatus.NOT_CREATED: (
        gettext_lazy("Off: the pgvector extension isn't in this database yet. Everything else works."),
        gettext_lazy(
            "Run CREATE EXTENSION vector in the database as a superuser (on RDS: as the master user), then run"
            " `manage.py migrate`."
        ),
    ),
    PgvectorStatus.HIDDEN: (
        gettext_lazy("Off: the schema of the pgvector extension isn't in the search_path. Everything else works."),
        gettext_lazy("Add its schema to the search_path of the database user, then run `manage.py migrate`."),
    ),
    PgvectorStatus.NO_TABLE: (
        gettext_lazy("Off: the table of embeddings doesn't exist. Everything else works."),
        gettext_lazy("Run `manage.py migrate`."),
    ),
}


def check_embeddings() -> Finding:
    if not settings.SIMILAR_PICTURES:
        return ok(SUBJECT, _("Switched off (SIMILAR_PICTURES)."))
    status = table.status()
    if status is not PgvectorStatus.READY:
        obstacle, next_step = _PGVECTOR[status]
        return warning(SUBJECT, str(obstacle), str(next_step))
    if not has_classifier():
        sentence = _("Off: the classifier's model is missing. Everything else works.")
        return warning(SUBJECT, sentence, _("Run `manage.py prepare_models`."))
    return _check_counts(queue.counts())


def _check_counts(counts: queue.EmbeddingCounts) -> Finding:
    sentence = _("%(pictures)s can be compared for similarity.") % {"pictures": pictures(counts.current)}
    if counts.waiting:
        text = ngettext("%(number)s is waiting.", "%(number)s are waiting.", counts.waiting)
        sentence += " " + plural(text, counts.waiting)
        if error := queue.waiting_error():
            return warning(SUBJECT, f"{sentence} {error}", _("They are retried automatically."))
    rest = {
        _("%(number)s without an embedding"): counts.missing,
        _("%(number)s with an embedding of another model version"): counts.outdated,
        _("%(number)s failed"): counts.failed,
    }
    if not any(rest.values()):
        return ok(SUBJECT, sentence)
    parts = [text % {"number": count(number)} for text, number in rest.items() if number]
    return warning(SUBJECT, f"{sentence} {', '.join(parts)}.", _("Run `manage.py embed_images`."))
