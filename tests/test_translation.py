"""All text on pages is translatable: a pseudo-language wraps it in ⟦ ⟧.

Numbers that programs read are not formatted.
A page in PENDING still has other text. Its test fails as soon as it has none: then remove it from PENDING.
"""

from __future__ import annotations

import gettext
import re
import uuid
from html.parser import HTMLParser

import humanize.i18n
import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import trans_real

from analysis.models import Alert, Batch, Collection, CollectionImage, SavedSearch, ShareLink
from analysis.web import script_messages
from imagelib.accounts import invitations
from imagelib.accounts.roles import Role
from tests.factories import create_analysis, create_bucket, create_labeled_image
from tests.web.pages import Page

SHOWN_ATTRIBUTES = ("title", "alt", "aria-label", "aria-description", "placeholder", "label", "data-key-words")
BUTTONS = ("submit", "button", "reset")
NOT_READ = ("script", "style", "code", "kbd", "pre", "textarea")
EMPTY = ("area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr")
DATA = re.compile(r"imagelib|\b(owner|staff|dog\.jpg|Dogs?|dog|photos|us-east-1|[kMGT]B|px|UTC|JPEG|CSV|S3)\b")
"""Names and units that are the same in every language; an element with translate="no" is data, too."""

# By name: the page's URL name, its arguments (of "image" or "bucket" the row's number) and who looks at it.
PAGES = {
    "library": ("library", [], "owner"),
    "months": ("months", [], "owner"),
    "search-help": ("search-help", [], "owner"),
    "image": ("image", ["image"], "owner"),
    "image panel": ("image-panel", ["image"], "owner"),
    "history": ("history", ["image"], "owner"),
    "labels": ("labels", [], "owner"),
    "duplicates": ("duplicates", [], "owner"),
    "exact copies": ("duplicates-exact", [], "owner"),
    "searches": ("searches", [], "owner"),
    "collections": ("collections", [], "owner"),
    "collection": ("collection", ["collection"], "owner"),
    "collection order": ("collection-order", ["collection"], "owner"),
    "collection settings": ("collection-settings", ["collection"], "owner"),
    "shares": ("shares", [], "owner"),
    "share link": ("share-link", ["link"], "owner"),
    "share page": ("share", ["token"], None),
    "share password": ("share", ["locked"], None),
    "share missing": ("share", ["guessed"], None),
    "alerts": ("alerts", [], "owner"),
    "alert": ("alert", ["alert"], "owner"),
    "alert edit": ("alert-edit", ["alert"], "owner"),
    "upload": ("upload", [], "owner"),
    "analyze": ("analyze", [], "owner"),
    "dashboard": ("dashboard", [], "owner"),
    "activity": ("activity", [], "owner"),
    "bulk run": ("batch", ["batch"], "owner"),
    "buckets": ("buckets", [], "owner"),
    "bucket": ("bucket", ["bucket"], "owner"),
    "bucket add": ("bucket-add", [], "staff"),
    "system": ("system", [], "staff"),
    "welcome": ("welcome", [], "staff"),
    "not found": ("image", [10**12], "owner"),
    "login": ("login", [], None),
    "account": ("account", [], "owner"),
    "api-tokens": ("api-tokens", [], "owner"),
    "sessions": ("sessions", [], "owner"),
    "people": ("people", [], "staff"),
    "person": ("person", ["person"], "staff"),
    "own person": ("person", ["staff_id"], "staff"),
    "invite": ("invite", [], "staff"),
    "invitation": ("invitation", ["invitation"], None),
    "own invitation": ("invitation", ["invitation"], "owner"),
    "unknown invitation": ("invitation", ["x"], None),
    "admin refused": ("admin-sign-in", [], "owner"),
    "export": ("export", [], "owner"),
    "two-step sign-in": ("mfa_index", [], "owner"),
    "passkeys": ("mfa_list_webauthn", [], "owner"),
    "confirm it's you": ("account_reauthenticate", [], "owner"),
    "not active": ("account_inactive", [], None),
    "password change": ("password_change", [], "owner"),
    "password changed": ("password_change_done", [], "owner"),
    "password reset": ("password_reset", [], None),
    "password reset sent": ("account_reset_password_done", [], None),
    "password reset link": ("account_reset_password_from_key", ["1", "no-token"], None),
    "password reset done": ("account_reset_password_from_key_done", [], None),
}
# Only translated here: test_accessibility.py opens those of PAGES in a browser, which takes a second each.
MORE_PAGES = {
    "folders": ("folders", [], "owner"),
    "folder filter": ("folder-filter", [], "owner"),
    "place filter": ("place-filter", [], "owner"),
    "state filter": ("state-filter", [], "owner"),
    "collection filter": ("collection-filter", [], "owner"),
    "trash": ("trash", [], "owner"),
    "changes": ("bulk-changes", [], "owner"),
    "deliveries": ("deliveries", [], "owner"),
    "exports": ("exports", [], "owner"),
    "sinks": ("sinks", [], "staff"),
    "audit log": ("audit-log", [], "staff"),
}
PENDING: set[str] = set()


class PseudoTranslation(gettext.NullTranslations):
    """Wraps every translated string, under the language of the settings."""

    def gettext(self, message):
        return f"⟦{message}⟧" if message else ""

    def ngettext(self, msgid1, msgid2, n):
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    def pgettext(self, context, message):
        return self.gettext(message)

    def npgettext(self, context, msgid1, msgid2, n):
        return self.ngettext(msgid1, msgid2, n)

    def language(self):
        return "en"

    to_language = language


class Untranslated(HTMLParser):
    """`texts`: what a person reads or hears that is neither wrapped nor data."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._depth = 0
        self._data_since: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        is_data = tag in NOT_READ or attributes.get("translate") == "no"
        if tag not in EMPTY and (is_data or self._data_since):
            self._data_since.append(tag)
        if is_data:
            return
        values = [attributes[name] for name in SHOWN_ATTRIBUTES if name in attributes]
        if tag == "input" and attributes.get("type") in BUTTONS:
            values.append(attributes.get("value", ""))
        for text in values:
            self._check(text, depth=0)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in self._data_since:  # what was not closed ends with it
            while self._data_since.pop() != tag:
                pass

    def handle_data(self, data):
        if not self._data_since:
            self._depth = self._check(data, depth=self._depth)

    def _check(self, text: str, *, depth: int) -> int:
        outside = []
        for character in text:
            depth += character == "⟦"
            if depth == 0:
                outside.append(character)
            depth -= character == "⟧"
        rest = DATA.sub("", "".join(outside))
        if re.search(r"[^\W\d_]", rest):
            self.texts.append(" ".join(text.split()))
        return depth


@pytest.fixture
def pseudo(monkeypatch):
    translation = PseudoTranslation()
    monkeypatch.setitem(trans_real._translations, "en", translation)
    monkeypatch.setattr(trans_real, "_default", translation)
    monkeypatch.setitem(humanize.i18n._TRANSLATIONS, None, translation)
    trans_real.activate("en")
    script_messages._in_language.cache_clear()
    yield
    monkeypatch.undo()
    trans_real.activate("en")
    script_messages._in_language.cache_clear()


def shared_rows(owner, image) -> dict[str, object]:
    """A collection and its links, by what stands for them in PAGES."""
    collection = Collection.objects.create(owner=owner, name="Dogs")
    CollectionImage.objects.create(collection=collection, image=image, position="5000000000", added_by=owner)
    link = ShareLink.objects.create(owner=owner, collection=collection, includes_private=True, allows_download=True)
    locked = ShareLink.objects.create(owner=owner, collection=collection, password="x")
    return {"collection": collection.pk, "link": link.pk, "token": link.token, "locked": locked.token}


@pytest.fixture
def rows(owner, staff):
    """One row of everything that pages list, by what stands for it in PAGES."""
    image = create_labeled_image(owner, {"Dog": 99}, filename="dog.jpg")
    create_analysis(image, api="moderation", state="done")
    search = SavedSearch.objects.create(owner=owner, name="Dogs", query="dog")
    alert = Alert.objects.create(owner=owner, saved_search=search, channel="webhook", last_error="⟦Down⟧")
    alert.deliveries.create(kind="matches", payload={"count": 1}, image_id=image.pk, give_up_at=timezone.now())
    batch = Batch.objects.create(person=owner, recognizer="local", parameters={"labels": {}})
    _invitation, token = invitations.create(name="Dog", email="", role=Role.VIEWER, by=staff)
    shared = shared_rows(owner, image)
    bucket = create_bucket(owner)
    people = {"owner": owner, "staff": staff, "person": owner.pk, "staff_id": staff.pk, "invitation": token}
    return shared | {"image": image.pk, "batch": batch.pk, "bucket": bucket.pk, "alert": alert.pk, **people}


def response(name: str, rows, signed_in, nobody):
    url_name, arguments, person = (PAGES | MORE_PAGES)[name]
    browser = signed_in(rows[person]) if person else nobody
    return browser.get(reverse(url_name, args=[rows.get(argument, argument) for argument in arguments]))


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*PAGES, *MORE_PAGES])
def test_page_is_translated_unless_it_is_pending(name, rows, signed_in, nobody, pseudo):
    texts = Untranslated(response(name, rows, signed_in, nobody).content.decode()).texts
    if name in PENDING:
        assert texts, f"“{name}” is translated: remove it from PENDING."
    else:
        assert texts == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*PAGES, *MORE_PAGES])
def test_numbers_that_programs_read_are_not_formatted(name, rows, signed_in, nobody):
    """The ids of tests have four digits."""
    assert Page(response(name, rows, signed_in, nobody)).grouped_numbers() == []


def test_pending_pages_exist():
    assert set(PAGES) >= PENDING


@pytest.mark.django_db
def test_mail_for_a_password_reset_is_translated(owner, nobody, pseudo):
    # A separate address and network: both have a limit, which other tests may have reached.
    owner.email = f"{uuid.uuid4()}@example.org"
    owner.save()
    nobody.post(reverse("password_reset"), {"email": owner.email}, REMOTE_ADDR="192.0.2.77")
    (message,) = mail.outbox
    without_link = re.sub(r"http://\S+", "", message.body)
    assert (Untranslated(message.subject).texts, Untranslated(without_link).texts) == ([], [])


@pytest.mark.django_db
def test_invitation_s_page_and_mail_are_translated(staff, signed_in, pseudo, settings):
    settings.EMAIL_HOST = "mail.example.org"
    page = signed_in(staff).post(reverse("invite"), {"name": "Dog", "email": "dog@example.org", "role": "viewer"})
    (message,) = mail.outbox
    without_link = re.sub(r"http://\S+", "", message.body)
    texts = [Untranslated(text).texts for text in (message.subject, without_link, page.content.decode())]
    assert texts == [[], [], []]


@pytest.mark.parametrize(
    ("html", "texts"),
    [
        ("<p>⟦Save⟧</p>", []),
        ("<p>Save</p>", ["Save"]),
        ("<p>⟦Save⟧ all</p>", ["⟦Save⟧ all"]),
        ("<p>⟦Signed in as <strong>Somebody</strong>⟧</p>", []),
        ("<p>⟦Synced ⟦3 hours ago⟧⟧ · 1,204</p>", []),
        ('<p>dog.jpg, 4.5 MB, <span translate="no">Africa/<b>Abidjan</b></span></p>', []),
        ('<p translate="no">Africa</p><p>Europe</p>', ["Europe"]),
        ("<p><code>make run</code> and <kbd>Esc</kbd></p>", ["and"]),
        ('<img alt="A dog"><a title="⟦Back⟧" aria-label="Back">⟦Back⟧</a>', ["A dog", "Back"]),
        ('<input placeholder="Name" value="typed"><input type="submit" value="Send">', ["Name", "Send"]),
        ("<title>⟦Labels⟧ · imagelib</title><script>const a = 1;</script>", []),
        ("<option>System<option>⟦Light⟧", ["System"]),
    ],
)
def test_untranslated_texts_are_found(html, texts):
    assert Untranslated(html).texts == texts
