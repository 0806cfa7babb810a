"""One-time tokens of estimate forms.

A form that is submitted twice starts and pays only one run.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from analysis.models import Batch

NOT_ESTIMATED = _("This form has no estimate. Open it again, check the estimate, then start.")


class NoToken(ValueError):
    """The form has no valid token."""


def new_token() -> str:
    """A token for a new estimate form."""
    return str(uuid.uuid4())


def started(token: str, *, person_id: int | None) -> Batch | None:
    """The run already started with this token. Raises NoToken."""
    return Batch.objects.filter(token=_parse(token), person_id=person_id).first()


def once(batch: Batch, *, token: str, start: Callable[[], None]) -> tuple[Batch, bool]:
    """Start a batch, once per token.

    Returns it and True, or the run already started with this token and False. The second of two concurrent requests
    waits at the unique constraint on the token. Raises NoToken.
    """
    if earlier := started(token, person_id=batch.person_id):
        return earlier, False
    batch.token = _parse(token)
    try:
        with transaction.atomic():
            start()
    except IntegrityError:
        earlier = started(token, person_id=batch.person_id)
        if earlier is None:  # the token belongs to another user
            raise NoToken(NOT_ESTIMATED) from None
        return earlier, False
    return batch, True


def _parse(token: str) -> uuid.UUID:
    try:
        return uuid.UUID(token)
    except ValueError as error:
        raise NoToken(NOT_ESTIMATED) from error
