"""Permission of a run's user, checked at start, resume and while queueing."""

from __future__ import annotations

from django.utils.translation import gettext as _

from analysis import permissions
from analysis.models import Analysis, Batch
from analysis.recognition import registry


class NotAllowed(ValueError):
    """The run's user lacks a permission; the message names the fix."""


def refusal(batch: Batch) -> str:
    """The reason for refusing the run, or "".

    Runs from the command line have no user, and so no restrictions.
    """
    if batch.is_orphaned:
        return _("The account that started this run was deleted. Start another run.")
    return "" if batch.person_id is None else _refusal_of_person(batch)


def _refusal_of_person(batch: Batch) -> str:
    # Loaded again, because Django caches permissions on the user object, and they may change during a run.
    person = permissions.reload_user(batch.person_id)
    if person is None:
        return _("The account that started this run is no longer active.")
    if not permissions.can_analyze_images(person):
        return str(permissions.NO_ANALYSES_MESSAGE)
    if batch.all_owners and not permissions.can_analyze_all_images(person):
        return _("%(person)s can't analyze other people's pictures. Ask an administrator for access.") % {
            "person": person.get_username()
        }
    others = _not_enabled(batch)
    if others and not permissions.can_choose_apis(person):
        return _("Not enabled: %(apis)s. Change RECOGNIZER_APIS, or choose other APIs.") % {
            "apis": ", ".join(str(Analysis.Api(api).label) for api in others)
        }
    return ""


def require(batch: Batch) -> None:
    """Raises NotAllowed."""
    if sentence := refusal(batch):
        raise NotAllowed(sentence)


def _not_enabled(batch: Batch) -> list[str]:
    """APIs of the run that RECOGNIZER_APIS leaves out."""
    # Retries were allowed when first requested. The setting only applies to the current recognizer.
    if batch.scope == Batch.Scope.FAILED or batch.recognizer != registry.current().name:
        return []
    enabled = registry.enabled_apis()
    return [api for api in batch.apis if api not in enabled]
