"""Messages about bulk changes: the change, the number of pictures, and Undo."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from analysis import formatting
from analysis.models import BulkChange, Image
from analysis.web.toasts import Toast

NOTHING_CHANGED = gettext_lazy("Nothing was changed.")
Action = BulkChange.Action
MESSAGES = {
    Action.ADD_TAG: ngettext_lazy(
        "Added “%(label)s” to %(count)s picture.", "Added “%(label)s” to %(count)s pictures.", "number"
    ),
    Action.REMOVE_TAG: ngettext_lazy(
        "Removed “%(label)s” from %(count)s picture.", "Removed “%(label)s” from %(count)s pictures.", "number"
    ),
    Action.CONFIRM: ngettext_lazy(
        "Confirmed “%(label)s” on %(count)s picture.", "Confirmed “%(label)s” on %(count)s pictures.", "number"
    ),
    Action.REJECT: ngettext_lazy(
        "Rejected “%(label)s” on %(count)s picture.", "Rejected “%(label)s” on %(count)s pictures.", "number"
    ),
    Action.TRASH: ngettext_lazy(
        "Moved %(count)s picture to the trash.", "Moved %(count)s pictures to the trash.", "number"
    ),
    Action.RESTORE: ngettext_lazy("Restored %(count)s picture.", "Restored %(count)s pictures.", "number"),
    Action.FAVORITE: ngettext_lazy(
        "Added %(count)s picture to your favorites.", "Added %(count)s pictures to your favorites.", "number"
    ),
    Action.UNFAVORITE: ngettext_lazy(
        "Removed %(count)s picture from your favorites.", "Removed %(count)s pictures from your favorites.", "number"
    ),
    Action.KEEP: ngettext_lazy(
        "Kept 1, moved %(count)s picture to the trash.", "Kept 1, moved %(count)s pictures to the trash.", "number"
    ),
    Action.EXACT: ngettext_lazy(
        "Kept one of each, moved %(count)s copy to the trash.",
        "Kept one of each, moved %(count)s copies to the trash.",
        "number",
    ),
    Action.DISTINCT: ngettext_lazy(
        "Marked %(count)s picture as not a duplicate.", "Marked %(count)s pictures as not duplicates.", "number"
    ),
    Action.RATE: ngettext_lazy("Rated %(count)s picture: %(stars)s", "Rated %(count)s pictures: %(stars)s", "number"),
    Action.GIVE: ngettext_lazy("Transferred %(count)s picture.", "Transferred %(count)s pictures.", "number"),
    Action.EDIT: ngettext_lazy("Edited %(count)s picture.", "Edited %(count)s pictures.", "number"),
}
VISIBILITY_MESSAGES = {
    Image.Visibility.PRIVATE: ngettext_lazy(
        "%(count)s picture is now private.", "%(count)s pictures are now private.", "number"
    ),
    Image.Visibility.SHARED: ngettext_lazy(
        "%(count)s picture is now shared with everyone signed in.",
        "%(count)s pictures are now shared with everyone signed in.",
        "number",
    ),
    Image.Visibility.PUBLIC: ngettext_lazy(
        "%(count)s picture is now public.", "%(count)s pictures are now public.", "number"
    ),
}
PERSONAL_ACTIONS = (Action.FAVORITE, Action.UNFAVORITE, Action.RATE)
"""These do not change the picture itself, so the message does not mention pictures of other people."""


def change_toast(change: BulkChange) -> Toast:
    """The result of a bulk change, with Undo, or its progress."""
    url = reverse("bulk-change", args=[change.pk]) if change.is_open else ""
    undo_url = reverse("undo", args=[change.pk]) if change.number or change.is_open else ""
    return Toast(message_of(change), undo_url, progress_url=url)


def undo_toast(change: BulkChange) -> Toast:
    """The progress of an undo, or the numbers of pictures it restored and could not."""
    number, missing = change.restored, change.number - change.restored
    if not change.is_open:
        return Toast(_undo_result(number, missing=missing))
    progress = ngettext(
        "Undone for %(number)s picture so far. The rest continues in the background.",
        "Undone for %(number)s pictures so far. The rest continues in the background.",
        number,
    )
    return Toast(formatting.plural(progress, number), progress_url=reverse("bulk-change", args=[change.pk]))


def _undo_result(number: int, *, missing: int) -> str:
    if not number:
        return _("Nothing was undone: the pictures were changed again or deleted forever.")
    undone = ngettext("Undone for %(number)s picture.", "Undone for %(number)s pictures.", number)
    if missing <= 0:
        return formatting.plural(undone, number)
    rest = ngettext(
        "%(number)s picture was changed again or deleted forever.",
        "%(number)s pictures were changed again or deleted forever.",
        missing,
    )
    return f"{formatting.plural(undone, number)} {formatting.plural(rest, missing)}"


def message_of(change: BulkChange) -> str:
    """One sentence: the change and the number of pictures."""
    if change.is_open:
        progress = ngettext(
            "%(number)s picture done so far. The rest continues in the background.",
            "%(number)s pictures done so far. The rest continues in the background.",
            change.number,
        )
        return formatting.plural(progress, change.number)
    message = _result(change) if change.number else str(NOTHING_CHANGED)
    if not change.refused or change.action in PERSONAL_ACTIONS:
        return message
    refused = ngettext("You can't edit %(number)s of these.", "You can't edit %(number)s of these.", change.refused)
    return f"{message} {formatting.plural(refused, change.refused)}"


def _result(change: BulkChange) -> str:
    values = {
        "number": change.number,
        "count": formatting.count(change.number),
        "label": change.label,
        "stars": _stars(change),
    }
    if change.action == Action.OPEN_TO and change.visibility is not None:
        return VISIBILITY_MESSAGES[Image.Visibility(change.visibility)] % values
    return MESSAGES[Action(change.action)] % values


def _stars(change: BulkChange) -> str:
    return "★" * int((change.edit or {}).get("stars", 0)) or _("no stars")
