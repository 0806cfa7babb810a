"""Whether a run's person may have it: asked before it starts, whenever it is resumed, and while it goes on."""

from __future__ import annotations

from django.utils.translation import gettext as _

from analysis import permissions
from analysis.models import Analysis, Batch
from analysis.recognition import registry


class NotAllowed(ValueError):
    """A run that its person may not have; says why and what to do."""


def refusal(batch: Batch) -> str:
    """Why not, as a sentence; empty if they may. The shell, which has no person, may anything."""
    if batch.person_id is None:
        return ""
    person = permissions.reload_user(batch.person_id)
    if person is None:
        return _("The account that started this run is no longer active.")
    if not permissions.can_analyze_images(person):
        return str(permissions.NO_ANALYSES_MESSAGE)
    if batch.all_owners and not permissions.can_analyze_all_images(person):
        return _("%(person)s can't analyze other people's pictures. Ask an administrator for access.") % {
            "person": person.get_username()
        }
    others = _not_switched_on(batch)
    if others and not permissions.can_choose_apis(person):
        return _("Not switched on: %(apis)s. Add it to RECOGNIZER_APIS, or choose other APIs.") % {
            "apis": ", ".join(Analysis.Api(api).label for api in others)
        }
    return ""


def require(batch: Batch) -> None:
    """Raises NotAllowed."""
    if sentence := refusal(batch):
        raise NotAllowed(sentence)


def _not_switched_on(batch: Batch) -> list[str]:
    """What failed before was asked for by someone who may: it may be retried whatever is switched on today."""
    if batch.scope == Batch.Scope.FAILED or batch.recognizer != registry.current().name:
        return []
    wanted = registry.enabled_apis()
    return [api for api in batch.apis if api not in wanted]
