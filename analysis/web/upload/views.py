"""Bringing pictures in: one or many files a request, each with its own outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from analysis import formatting, permissions, pipeline
from analysis.ingest.exclusions import SYSTEM_FOLDERS
from analysis.ingest.validation import InvalidImage, clean_name, megabytes
from analysis.models import Image
from analysis.storage import blobs
from analysis.web.http import Request, current_user_id, id_list_param, is_fragment
from analysis.web.library.cards import DONE, FAILED, QUEUED, RUNNING, Card, cards

MAX_STATES = 200
STATUS_WORDS = {QUEUED: "Queued", RUNNING: "Analyzing", FAILED: "Analysis failed"}


@dataclass(frozen=True)
class UploadOutcome:
    """What became of one file: its picture, new or known, or a sentence and whether trying again may help."""

    name: str
    image: Image | None = None
    is_new: bool = False
    sentence: str = ""
    may_retry: bool = False


@dataclass(frozen=True)
class UploadRow:
    """An outcome as the page shows it."""

    kind: str  # stored, known, trashed, refused, checking
    name: str
    words: str
    may_retry: bool = False
    ticket: str = ""
    card: Card | None = None
    status: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: Request) -> HttpResponse:
    """The page; a POST takes files in and reports on each, as a page or, for the page's own script, as rows."""
    permissions.require_upload_permission(request.user)
    context: dict[str, object] = {"limits": limits()}
    if request.method != "POST":
        return render(request, "upload/index.html", context)
    outcomes = [
        take(file, name=file.name or "", owner_id=current_user_id(request)) for file in request.FILES.getlist("files")
    ]
    context |= {"rows": upload_rows(outcomes), "reports": True, "summary": summary(outcomes)}
    return render(request, "upload/index.html#rows" if is_fragment(request) else "upload/index.html", context)


@require_safe
def upload_state(request: Request) -> HttpResponse:
    """Of the rows that a page names as `id-version`, those that have changed."""
    versions = id_list_param(request.GET.getlist("id"), maximum=MAX_STATES)
    found = Image.objects.visible_to(permissions.viewer_of(request.user)).in_bulk(list(versions))
    current = upload_rows([UploadOutcome(str(image), image, is_new=True) for image in found.values()])
    changed = [row for row in current if row.card and row.card.version != versions[int(row.card.id)]]
    return render(request, "upload/index.html#rows", {"rows": changed})


def limits() -> dict[str, str]:
    """What the browser may refuse by itself."""
    return {
        "max_bytes": str(settings.MAX_UPLOAD_BYTES),
        "words": megabytes(settings.MAX_UPLOAD_BYTES),
        "system_folders": "/".join(SYSTEM_FOLDERS),
    }


def take(file: IO[bytes], *, name: str, owner_id: int) -> UploadOutcome:
    """Take one file in; whatever is wrong with it is said and harms no other."""
    try:
        added = pipeline.ingest_file(file, name=name, owner_id=owner_id)
    except InvalidImage as error:
        return UploadOutcome(error.name, sentence=formatting.translated(error))
    except blobs.StorageError as error:
        return UploadOutcome(clean_name(name), sentence=str(error), may_retry=True)
    return UploadOutcome(clean_name(name), added.image, is_new=added.is_new)


def upload_rows(outcomes: list[UploadOutcome]) -> list[UploadRow]:
    shown = {card.id: card for card in cards([outcome.image for outcome in outcomes if outcome.image])}
    return [_row(outcome, shown) for outcome in outcomes]


def summary(outcomes: list[UploadOutcome]) -> str:
    """What became of the files, in one line."""
    new = sum(outcome.is_new for outcome in outcomes)
    refused = sum(outcome.image is None for outcome in outcomes)
    trashed = sum(_is_trashed(outcome) for outcome in outcomes)
    known = len(outcomes) - new - refused - trashed
    if not outcomes:
        return "No file arrived. Choose some pictures and send them again."
    parts = [f"{formatting.pictures(new)} added" if new else "", f"{known:,} already here" if known else ""]
    parts.append(f"{trashed:,} already here, in the trash" if trashed else "")
    parts.append(f"{refused:,} not accepted" if refused else "")
    return f"{', '.join(part for part in parts if part)}."


def _row(outcome: UploadOutcome, shown: dict[str, Card]) -> UploadRow:
    if outcome.image is None:
        return UploadRow("refused", outcome.name, outcome.sentence, outcome.may_retry)
    card = shown[str(outcome.image.pk)]
    labels = ", ".join(card.labels) or ("No labels found" if card.state == DONE else "")
    if _is_trashed(outcome):
        return UploadRow("trashed", outcome.name, "Already here, in the trash", card=card)
    if not outcome.is_new:
        return UploadRow("known", outcome.name, " · ".join(filter(None, ["Already here", labels])), card=card)
    return UploadRow("stored", outcome.name, labels, card=card, status=STATUS_WORDS.get(card.state, ""))


def _is_trashed(outcome: UploadOutcome) -> bool:
    """It was here already, but its owner threw it away."""
    return outcome.image is not None and not outcome.is_new and outcome.image.trashed_at is not None
