"""Status of every address for each person; one without an entry fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pytest
from django.db.models import Model, QuerySet
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from analysis.models import (
    Alert,
    AuditEntry,
    Batch,
    Bucket,
    BulkChange,
    Collection,
    Export,
    Image,
    SavedSearch,
    ShareLink,
    Sink,
    TrashDeletion,
    Upload,
)
from imagelib.accounts.models import ApiToken
from tests.factories import create_labeled_image
from tests.web.shared_rows import *

pytestmark = pytest.mark.django_db

PRIVATE, SHARED, PUBLIC = Image.Visibility.values
SIGN_IN = "sign in"

# Who gets what: owner, colleague (who owns pictures, too), stranger (who owns none), nobody (not signed in).
EVERYBODY = {PRIVATE: (200, 200, 200, 200)}
EVERYBODY_SIGNED_IN = {PRIVATE: (200, 200, 200, SIGN_IN)}
EVERYBODY_GOES_BACK = {PRIVATE: (302, 302, 302, SIGN_IN)}  # with a sentence on what was done, or why not
SEEN_PAGE = {PRIVATE: (200, 404, 404, 404), SHARED: (200, 200, 200, 404), PUBLIC: (200, 200, 200, 404)}
PUBLIC_PAGE = {PRIVATE: (404,) * 4, SHARED: (404,) * 4, PUBLIC: (200,) * 4}
LINKED = {PRIVATE: (404,) * 4, SHARED: (200,) * 4, PUBLIC: (200,) * 4}  # a link that shows no private pictures
SEEN_SIGNED_IN = {PRIVATE: (200, 404, 404, SIGN_IN), SHARED: (200, 200, 200, SIGN_IN), PUBLIC: (200, 200, 200, SIGN_IN)}
OWNER_SEES = {PRIVATE: (200, 404, 404, SIGN_IN), SHARED: (200, 403, 403, SIGN_IN), PUBLIC: (200, 403, 403, SIGN_IN)}
OWNER_CHANGES = {PRIVATE: (302, 404, 404, SIGN_IN), SHARED: (302, 403, 403, SIGN_IN), PUBLIC: (302, 403, 403, SIGN_IN)}
SEEN_MARKS = {PRIVATE: (302, 404, 404, SIGN_IN), SHARED: (302, 302, 302, SIGN_IN), PUBLIC: (302, 302, 302, SIGN_IN)}

ENTRIES = {
    "library": ("get", EVERYBODY_SIGNED_IN),
    "long-search": ("post", EVERYBODY_GOES_BACK),
    "cards": ("get", {PRIVATE: (286, 286, 286, SIGN_IN)}),
    "autocomplete": ("get", EVERYBODY_SIGNED_IN),
    "autocomplete-labels": ("get", EVERYBODY_SIGNED_IN),
    "months": ("get", EVERYBODY_SIGNED_IN),
    "timeline": ("get", EVERYBODY_SIGNED_IN),
    "period-ids": ("get", EVERYBODY_SIGNED_IN),
    "search-help": ("get", EVERYBODY_SIGNED_IN),
    "searches": ("get", EVERYBODY_SIGNED_IN),
    "search": ("get", {PRIVATE: (302, 302, 302, SIGN_IN)}),  # a shared one; others' own are in test_saved_searches.py
    "search-restore": ("post", EVERYBODY_GOES_BACK),
    "search-save": ("post", {PRIVATE: (422, 422, 422, SIGN_IN)}),
    "search-update": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "search-delete": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "collections": ("get", EVERYBODY_SIGNED_IN),
    "collection-filter": ("get", EVERYBODY_SIGNED_IN),
    "collection-menu": ("get", EVERYBODY_SIGNED_IN),
    "collection-add": ("post", EVERYBODY_GOES_BACK),
    "collection-create": ("post", EVERYBODY_GOES_BACK),
    # The owner's, shared with the colleague, who cannot edit it; more in test_collections.py.
    "collection": ("get", {PRIVATE: (200, 200, 404, SIGN_IN)}),
    "collection-cards": ("get", {PRIVATE: (286, 286, 404, SIGN_IN)}),
    "collection-order": ("get", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "collection-remove": ("post", {PRIVATE: (302, 403, 404, SIGN_IN)}),
    "collection-restore-positions": ("post", {PRIVATE: (302, 403, 404, SIGN_IN)}),
    "collection-move": ("post", {PRIVATE: (302, 403, 404, SIGN_IN)}),
    "collection-sort": ("post", {PRIVATE: (302, 403, 404, SIGN_IN)}),
    "collection-cover": ("post", {PRIVATE: (302, 403, 404, SIGN_IN)}),
    "collection-settings": ("get", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "collection-share": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "collection-share-with": ("post", {PRIVATE: (422, 404, 404, SIGN_IN)}),
    "collection-remove-person": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "collection-delete": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "collection-restore": ("post", {PRIVATE: (404, 404, 404, SIGN_IN)}),  # it is not deleted
    "collection-image": (
        "get",
        {
            PRIVATE: (302, 404, 404, SIGN_IN),  # the colleague sees private pictures only where the collection says so
            SHARED: (302, 302, 404, SIGN_IN),
            PUBLIC: (302, 302, 404, SIGN_IN),
        },
    ),
    "collection-rendition": (
        "get",
        {PRIVATE: (200, 404, 404, SIGN_IN), SHARED: (200, 200, 404, SIGN_IN), PUBLIC: (200, 200, 404, SIGN_IN)},
    ),
    "shares": ("get", EVERYBODY_SIGNED_IN),
    "share-new": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),  # of nothing; more in test_share_links.py
    "share-create": ("post", EVERYBODY_GOES_BACK),
    "share-link": ("get", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "share-revoke": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "share-restore": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "share": ("get", LINKED),
    "share-unlock": ("post", {PRIVATE: (302, 302, 302, 302)}),  # it has no password
    "share-cover": ("get", LINKED),
    "share-archive": ("get", {PRIVATE: (200,) * 4, SHARED: (200,) * 4, PUBLIC: (200,) * 4}),
    "share-picture": ("get", LINKED),
    "share-download": ("get", LINKED),
    "share-rendition": ("get", LINKED),
    "alerts": ("get", EVERYBODY_SIGNED_IN),
    "alert-new": ("get", EVERYBODY_SIGNED_IN),  # on a shared search; others' own are in test_alerts.py
    "alert-preview": ("get", EVERYBODY_SIGNED_IN),
    "alert-restore": ("post", EVERYBODY_GOES_BACK),
    "alert": ("get", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "alert-edit": ("get", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "alert-action": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "bulk": ("post", EVERYBODY_GOES_BACK),
    "bulk-menu": ("post", EVERYBODY_SIGNED_IN),
    "bulk-preview": ("post", EVERYBODY_SIGNED_IN),
    "undo": ("post", EVERYBODY_GOES_BACK),
    "bulk-changes": ("get", EVERYBODY_SIGNED_IN),
    "bulk-change": ("get", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "toggle-sensitive": ("post", EVERYBODY_GOES_BACK),
    "theme": ("post", EVERYBODY_GOES_BACK),
    "state-filter": ("get", EVERYBODY_SIGNED_IN),
    "buckets": ("get", EVERYBODY_SIGNED_IN),
    "bucket-add": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),  # staff alone: in test_buckets.py
    "bucket-edit": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "bucket-remove": ("post", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "bucket": ("get", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "bucket-sync": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "deliveries": ("get", EVERYBODY_SIGNED_IN),  # others' messages are left out: in test_deliveries.py
    "deliveries-send-again": ("post", EVERYBODY_GOES_BACK),
    "labels": ("get", EVERYBODY_SIGNED_IN),
    "folders": ("get", EVERYBODY_SIGNED_IN),
    "folder": ("get", SEEN_SIGNED_IN),
    "folder-filter": ("get", EVERYBODY_SIGNED_IN),
    "place-filter": ("get", EVERYBODY_SIGNED_IN),
    "export": ("get", EVERYBODY_SIGNED_IN),
    "export-download": ("post", {PRIVATE: (422, 422, 422, SIGN_IN)}),  # without a selection; more in test_export.py
    "duplicates": ("get", EVERYBODY_SIGNED_IN),
    "duplicates-keep": ("post", EVERYBODY_GOES_BACK),
    "duplicates-different": ("post", EVERYBODY_GOES_BACK),
    "duplicates-compare": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),  # nothing chosen; test_compare.py chooses
    "duplicates-exact": ("get", EVERYBODY_SIGNED_IN),
    "duplicates-resolve-exact": ("post", EVERYBODY_GOES_BACK),
    "trash": ("get", EVERYBODY_SIGNED_IN),
    "trash-delete": ("post", EVERYBODY_GOES_BACK),
    "trash-cancel": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "trash-receipt": ("get", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "upload": ("get", EVERYBODY_SIGNED_IN),
    "upload-state": ("get", EVERYBODY_SIGNED_IN),
    "uploads": ("post", EVERYBODY_SIGNED_IN),
    "upload-states": ("get", EVERYBODY_SIGNED_IN),
    "upload-file": ("post", {PRIVATE: (400, 400, 400, SIGN_IN)}),  # others': test_direct_upload.py
    "upload-target": ("get", EVERYBODY_SIGNED_IN),
    "upload-parts": ("post", {PRIVATE: (409, 404, 404, SIGN_IN)}),
    "upload-abort": ("post", {PRIVATE: (204, 204, 204, SIGN_IN)}),
    "upload-complete": ("post", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "image": ("get", SEEN_PAGE),
    "image-panel": ("get", SEEN_PAGE),
    "image-similar": ("get", SEEN_SIGNED_IN),
    "public": ("get", {**PUBLIC_PAGE, PUBLIC: (302, 302, 302, 200)}),  # who is signed in goes to the picture's own page
    "public-panel": ("get", PUBLIC_PAGE),
    "public-rendition": ("get", PUBLIC_PAGE),
    "rendition": ("get", SEEN_PAGE),
    "image-zoom": ("get", SEEN_PAGE),
    "image-tile": ("get", dict.fromkeys(SEEN_PAGE, (404,) * 4)),  # has no tiles; more in test_zoom.py
    "public-zoom": ("get", PUBLIC_PAGE),
    "public-tile": ("get", dict.fromkeys(SEEN_PAGE, (404,) * 4)),
    "original": ("get", SEEN_SIGNED_IN),
    "history": ("get", OWNER_SEES),
    "analysis-response": ("get", OWNER_SEES),
    "analysis-pin": ("post", OWNER_CHANGES),
    "retry": ("post", OWNER_CHANGES),
    "image-verdict": ("post", OWNER_CHANGES),
    "add-label": ("post", OWNER_CHANGES),
    "remove-tag": ("post", OWNER_CHANGES),
    "image-undo": ("post", OWNER_CHANGES),
    "image-rating": ("post", SEEN_MARKS),
    "image-visibility": ("post", OWNER_CHANGES),
    "image-details": ("post", OWNER_CHANGES),
    "image-rotate": ("post", OWNER_CHANGES),
    "image-trash": ("post", OWNER_CHANGES),
    "restore": ("post", OWNER_CHANGES),
    "export-archive": ("post", {PRIVATE: (422, 422, 422, SIGN_IN)}),  # the same
    "exports": ("get", EVERYBODY_SIGNED_IN),
    "export-file": ("get", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "export-manifest": ("get", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "export-action": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "analyze": ("get", EVERYBODY_SIGNED_IN),
    "dashboard": ("get", EVERYBODY_SIGNED_IN),
    "dashboard-csv": ("get", EVERYBODY_SIGNED_IN),
    "activity": ("get", EVERYBODY_SIGNED_IN),
    "batch": ("get", {PRIVATE: (200, 404, 404, SIGN_IN)}),
    "batch-action": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    "csp-report": ("post", {PRIVATE: (400,) * 4}),  # of nothing; more in test_csp_reports.py
    "healthz": ("get", EVERYBODY),
    "readyz": ("get", EVERYBODY),
    "metrics": ("get", {PRIVATE: (404,) * 4}),  # nobody, by default; more in test_probes.py
    "welcome": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "welcome-dismiss": ("post", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "system": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    # Staff alone: test_audit_log.py.
    "audit-log": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "audit-log-csv": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "audit-entry": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "audit-entry-csv": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    **dict.fromkeys(
        ("sinks", "sink-channels", "sink-add", "sink", "sink-edit", "sink-dry-run"),
        ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),  # staff alone: in test_sinks.py
    ),
    "sink-action": ("post", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "account": ("get", EVERYBODY_SIGNED_IN),
    "mcp": ("post", {PRIVATE: (401,) * 4}),  # takes tokens alone
    "dismiss-password-notice": ("post", EVERYBODY_GOES_BACK),
    "sessions": ("get", EVERYBODY_SIGNED_IN),
    "session-sign-out": ("post", EVERYBODY_GOES_BACK),
    "people": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),  # those who manage accounts: accounts/test_people_pages.py
    "invite": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "invitation-resend": ("post", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "invitation-revoke": ("post", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "person": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "person-role": ("post", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "person-access": ("post", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "person-two-step": ("post", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "person-transfer": ("post", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "invitation": ("get", {PRIVATE: (404, 404, 404, 404)}),  # an unknown link; others: accounts/test_invitations.py
    "admin-sign-in": ("get", {PRIVATE: (403, 403, 403, SIGN_IN)}),
    "api-tokens": ("get", EVERYBODY_SIGNED_IN),
    "api-token-revoke": ("post", {PRIVATE: (302, 404, 404, SIGN_IN)}),
    **dict.fromkeys(
        ("password_change", "account_change_password", "password_change_done"), ("get", EVERYBODY_SIGNED_IN)
    ),
    "account_set_password": ("get", EVERYBODY_GOES_BACK),  # everyone here has one: accounts/test_two_step.py
    **dict.fromkeys(
        ("password_reset", "account_reset_password", "account_reset_password_done", "account_inactive"),
        ("get", EVERYBODY),
    ),
    "account_reset_password_from_key": ("get", EVERYBODY),  # says that the link is not valid
    "account_reset_password_from_key_done": ("get", EVERYBODY),
    "password_reset_confirm": ("get", {PRIVATE: (302,) * 4}),  # links of older mails
    "account_reauthenticate": ("get", EVERYBODY_SIGNED_IN),
    "mfa_index": ("get", EVERYBODY_SIGNED_IN),
    "mfa_list_webauthn": ("get", EVERYBODY_SIGNED_IN),
    **dict.fromkeys(
        # First to the password, or from other ways of confirming to it: accounts/test_two_step.py.
        (
            *("mfa_activate_totp", "mfa_generate_recovery_codes", "mfa_add_webauthn", "mfa_remove_webauthn"),
            *("mfa_edit_webauthn", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"),
        ),
        ("get", EVERYBODY_GOES_BACK),
    ),
    **dict.fromkeys(
        ("mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_download_recovery_codes"),
        ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    ),
    # Nobody is on the way in, so there is no second step to take.
    "mfa_authenticate": ("get", {PRIVATE: (302,) * 4}),
    "mfa_login_webauthn": ("get", {PRIVATE: (302,) * 4}),
    "cancel-sign-in": ("post", {PRIVATE: (302,) * 4}),
    # Without a provider in the settings: accounts/test_oidc.py.
    "oidc-login": ("get", {PRIVATE: (404,) * 4}),
    "oidc-callback": ("get", {PRIVATE: (404,) * 4}),
    "socialaccount_connections": ("get", {PRIVATE: (404, 404, 404, SIGN_IN)}),
    "login": ("get", {PRIVATE: (302, 302, 302, 200)}),
    "account_login": ("get", {PRIVATE: (302, 302, 302, 200)}),
    "logout": ("post", {PRIVATE: (302, 302, 302, SIGN_IN)}),
}
CURATED = (
    "image-verdict",
    "add-label",
    "remove-tag",
    "image-undo",
    "image-rating",
    "image-visibility",
    "image-details",
    "image-rotate",
    "image-trash",
    "restore",
)
PEOPLE = ("owner", "colleague", "stranger", "nobody")


def our_patterns() -> list[URLPattern]:
    """All addresses except the admin's and the API's, which have their own tests."""
    patterns = get_resolver().url_patterns
    pages = [
        pattern
        for part in patterns
        if isinstance(part, URLResolver) and not part.app_name
        for pattern in part.url_patterns
    ]
    return [*pages, *(pattern for pattern in patterns if isinstance(pattern, URLPattern))]


def address(name: str, image: Image) -> str:
    arguments = arguments_of_rows(image) | arguments_of_picture(image)
    query = f"?search={saved_search(image)}" if name in {"alert-new", "alert-preview"} else ""
    return reverse(name, args=arguments[name]() if name in arguments else []) + query


def first(rows: QuerySet) -> int:
    pk = rows.values_list("pk", flat=True).first()
    assert pk is not None
    return pk


def first_or_deleted(rows: QuerySet) -> int:
    return rows.values_list("pk", flat=True).first() or 10**9


def saved_search(image: Image) -> int:
    return first_or_deleted(SavedSearch.objects.filter(owner=image.owner))


Arguments = dict[str, Callable[[], list]]


def of_all(names: Iterable[str], arguments: Callable[[], list]) -> Arguments:
    return dict.fromkeys(names, arguments)


def arguments_of_picture(image: Image) -> Arguments:
    """Arguments by the name of an address.

    Functions, so that rows are read for that address alone.
    """
    of_a_picture = ("image", "image-panel", "image-zoom", "image-similar", "original", "retry", "history", *CURATED)
    of_a_response = ("analysis-response", "analysis-pin")
    return {
        **of_all(of_a_picture, lambda: [image.pk]),
        **of_all(("public", "public-panel", "public-zoom"), lambda: [image.public_id]),
        "public-rendition": lambda: [image.public_id, "thumb"],
        "image-tile": lambda: [image.pk, 0, 0, 0],
        "public-tile": lambda: [image.public_id, 0, 0, 0],
        "rendition": lambda: [image.pk, "thumb"],
        **of_all(of_a_response, lambda: [image.pk, first(image.analyses.filter(state="done"))]),
        "folder": lambda: [image.folder_id],
        **of_all(("person", "person-role", "person-access"), lambda: [image.owner_id]),
        **of_all(("person-two-step", "person-transfer"), lambda: [image.owner_id]),
    }


def arguments_of_rows(image: Image) -> Arguments:
    """As `arguments_of_picture`, of the other rows of its owner."""

    def own(model: type[Model]) -> QuerySet:
        return model.objects.filter(owner=image.owner)

    def link() -> ShareLink:
        return own(ShareLink).first()

    return {
        **of_all(("search", "search-update", "search-delete"), lambda: [saved_search(image)]),
        "bulk": lambda: ["trash"],
        "undo": lambda: [1],
        "bulk-change": lambda: [first_or_deleted(BulkChange.objects.filter(person=image.owner))],
        "batch": lambda: [first(Batch.objects)],
        "batch-action": lambda: [first(Batch.objects), "pause"],
        "dashboard-csv": lambda: ["added"],
        **of_all(("bucket", "bucket-sync", "bucket-edit", "bucket-remove"), lambda: [first_or_deleted(own(Bucket))]),
        **of_all((name for name in ENTRIES if name.startswith("collection-")), lambda: [first(own(Collection))]),
        "collection": lambda: [first(own(Collection))],
        **of_all(("collection-filter", "collection-menu", "collection-add", "collection-create"), list),
        "collection-image": lambda: [first(own(Collection)), image.pk],
        "collection-rendition": lambda: [first(own(Collection)), image.pk, "thumb"],
        **of_all(("share", "share-unlock", "share-cover", "share-archive"), lambda: [link().token]),
        **of_all(("share-picture", "share-download"), lambda: [link().token, image.public_id]),
        "share-rendition": lambda: [link().token, image.public_id, "thumb"],
        **of_all(("share-link", "share-revoke", "share-restore"), lambda: [link().pk]),
        **of_all(("sink", "sink-edit", "sink-dry-run"), lambda: [first_or_deleted(Sink.objects)]),
        "sink-add": lambda: ["sqs"],
        "sink-action": lambda: [first_or_deleted(Sink.objects), "pause"],
        **of_all(("upload-file", "upload-complete", "upload-parts", "upload-abort"), lambda: [first(own(Upload))]),
        "api-token-revoke": lambda: [first(ApiToken.objects.filter(user=image.owner))],
        "export-archive": lambda: ["originals"],
        **of_all(("export-file", "export-manifest"), lambda: [first(own(Export))]),
        "export-action": lambda: [first(own(Export)), "cancel"],
        **of_all(("trash-cancel", "trash-receipt"), lambda: [first(TrashDeletion.objects.filter(person=image.owner))]),
        **of_all(("audit-entry", "audit-entry-csv"), lambda: [first(AuditEntry.objects)]),
        **of_all(("invitation-resend", "invitation-revoke"), lambda: [1]),
        "invitation": lambda: ["no-token"],
        "password_reset_confirm": lambda: ["MQ", "no-token"],
        "account_reset_password_from_key": lambda: ["1", "no-token"],
        **of_all(("mfa_remove_webauthn", "mfa_edit_webauthn"), lambda: [1]),
        **of_all(("alert", "alert-edit"), lambda: [first_or_deleted(own(Alert))]),  # deleted with its search
        "alert-action": lambda: [first_or_deleted(own(Alert)), "pause"],
    }


def outcome(response) -> int | str:
    """Status, or SIGN_IN; streaming bodies are read, so that files are closed."""
    b"".join(response.streaming_content) if response.streaming else response.content
    if response.status_code == 302 and response.url.startswith(reverse("login")):
        return SIGN_IN if "next=" in response.url else 302
    return response.status_code


def test_every_address_has_an_entry():
    assert sorted(pattern.name for pattern in our_patterns()) == sorted(ENTRIES)


CASES = [(name, visibility) for name, (_, expected) in ENTRIES.items() for visibility in expected]


@pytest.fixture
def browsers(owner, colleague, stranger, nobody, signed_in):
    return [*(signed_in(person) for person in (owner, colleague, stranger)), nobody]


@pytest.mark.parametrize(("name", "visibility"), CASES, ids=[f"{name}-{visibility}" for name, visibility in CASES])
def test_each_person_gets_the_expected_status(name, visibility, image, browsers):
    Image.objects.update(visibility=visibility)
    method, expected = ENTRIES[name]
    path = address(name, image)
    # The others first, before the owner moves it to the trash, or out of it.
    outcomes = [outcome(getattr(browser, method)(path)) for browser in reversed(browsers)][::-1]
    assert dict(zip(PEOPLE, outcomes, strict=True)) == dict(zip(PEOPLE, expected[visibility], strict=True))


@pytest.mark.parametrize("name", [name for name, (method, _) in ENTRIES.items() if method == "post"])
def test_changes_refuse_get(name, image, owner, signed_in):
    assert signed_in(owner).get(address(name, image)).status_code == 405


@pytest.mark.parametrize(
    "name",
    [
        *(
            "library",
            "cards",
            "image",
            "image-panel",
            "image-similar",
            "rendition",
            "original",
            "upload-state",
            "history",
            "analysis-response",
        ),
        *("activity", "system", "dashboard", "dashboard-csv"),
    ],
)
def test_read_only_pages_refuse_post(name, image, owner, signed_in):
    assert signed_in(owner).post(address(name, image)).status_code == 405


@pytest.mark.parametrize(
    "name",
    [
        "image",
        "image-panel",
        "image-similar",
        "rendition",
        "original",
        "retry",
        "history",
        "analysis-response",
        "analysis-pin",
        *CURATED,
    ],
)
def test_trashed_picture_is_visible_to_its_owner_only(name, image, browsers):
    Image.objects.update(trashed_at=timezone.now(), visibility=PUBLIC)
    method, expected = ENTRIES[name]
    path = address(name, image)
    outcomes = [outcome(getattr(browser, method)(path)) for browser in reversed(browsers)][::-1]
    assert outcomes == [expected[PUBLIC][0], 404, 404, SIGN_IN if expected[PUBLIC][3] == SIGN_IN else 404]


def test_hidden_picture_looks_like_a_missing_one(image, stranger, signed_in):
    browser = signed_in(stranger)
    hidden, missing = browser.get(reverse("image", args=[image.pk])), browser.get(reverse("image", args=[10**12]))
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert without_token(hidden) == without_token(missing)


def without_token(page) -> str:
    """The page without what differs on every page: CSRF's token."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.content.decode())


def test_search_suggestions_do_not_reveal_hidden_labels(owner, stranger, signed_in):
    create_labeled_image(owner, {"Aardvark": 99})
    hidden = signed_in(stranger).get(reverse("library"), {"q": "aardvark"}).content.decode()
    assert "Did you mean" not in hidden
    assert "No pictures match “aardvark”." in hidden
    near = signed_in(stranger).get(reverse("library"), {"q": "aardvarc"}).content.decode()
    assert "Aardvark" not in near
    assert "Aardvark" in signed_in(owner).get(reverse("library"), {"q": "aardvarc"}).content.decode()


def test_cards_and_upload_rows_of_others_are_left_out(image, owner, colleague, signed_in):
    for name, parameter in (("cards", "card"), ("upload-state", "id")):
        parameters = {parameter: f"{image.pk}-"}
        assert f"/images/{image.pk}/" in signed_in(owner).get(reverse(name), parameters).content.decode()
        others = signed_in(colleague).get(reverse(name), parameters).content.decode()
        assert (f"/images/{image.pk}/" in others, "dog" in others.lower(), "1 picture" in others) == (False,) * 3


def test_sign_in_returns_to_the_requested_page(owner, nobody):
    url = reverse("library") + "?q=dog"
    redirect = nobody.get(url)
    page = nobody.get(redirect.url)
    assert page.context["next"] == url
    response = nobody.post(redirect.url, {"username": "owner", "password": "word", "next": page.context["next"]})
    assert response.url == url


def test_sign_in_does_not_redirect_to_other_sites(owner, nobody):
    answer = nobody.post(reverse("login"), {"username": "owner", "password": "word", "next": "https://evil.example/"})
    assert answer.url == reverse("library")


def test_wrong_password_is_explained(owner, nobody):
    page = nobody.post(reverse("login"), {"username": "owner", "password": "wrong"}).content.decode()
    assert "Incorrect username or password." in page
    assert 'value="owner"' in page
    assert "mistyped" not in page
