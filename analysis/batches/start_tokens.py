"""An estimate is started once: the form of one that went out again, by Back or by a second click, pays nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from analysis.models import Batch

NOT_ESTIMATED = _("This form has no estimate. Open it again, check the estimate, then start.")


class NoToken(ValueError):
    """A start that names no estimate; says what to do."""


def new_token() -> str:
    """For the form of an estimate."""
    return str(uuid.uuid4())


def started(token: str, *, person_id: int | None) -> Batch | None:
    """The run that was started from this estimate. Raises NoToken."""
    return Batch.objects.filter(token=_known(token), person_id=person_id).first()


def once(batch: Batch, *, token: str, start: Callable[[], None]) -> tuple[Batch, bool]:
    """Start a batch and answer it, and True; or the one that was started from this estimate before, and False.

    Of two at the same moment the second waits for the first, by the constraint on the token. Raises NoToken.
    """
    if earlier := started(token, person_id=batch.person_id):
        return earlier, False
    batch.token = _known(token)
    try:
        with transaction.atomic():
            start()
    except IntegrityError:
        earlier = started(token, person_id=batch.person_id)
        if earlier is None:  # another person's
            raise NoToken(NOT_ESTIMATED) from None
        return earlier, False
    return batch, True


def _known(token: str) -> uuid.UUID:
    try:
        return uuid.UUID(token)
    except ValueError as error:
        raise NoToken(NOT_ESTIMATED) from error
