"""Every address. Each has its entry in tests/web/test_access.py: who may, and what the others get."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import path

from analysis.web import (
    bulk,
    complete,
    curating,
    duplicates,
    files,
    history,
    images,
    labels,
    library,
    names,
    searches,
    tickets,
    upload,
    veil,
)

urlpatterns = [
    path("", library.library, name="library"),
    path("cards/", library.cards, name="cards"),
    path("complete/", complete.complete, name="complete"),
    path("complete/names/", names.names, name="complete-names"),
    path("months/", library.months, name="months"),
    path("searches/", searches.searches, name="searches"),
    path("searches/save/", searches.save, name="search-save"),
    path("searches/<int:search_id>/", searches.search, name="search"),
    path("searches/<int:search_id>/update/", searches.update, name="search-update"),
    path("searches/<int:search_id>/delete/", searches.delete, name="search-delete"),
    path("bulk/menu/", bulk.menu, name="bulk-menu"),
    path("bulk/<slug:action>/", bulk.act, name="bulk"),
    path("undo/<int:change_id>/", bulk.undo, name="undo"),
    path("sensitive/", veil.switch, name="sensitive"),
    path("labels/", labels.labels, name="labels"),
    path("duplicates/", duplicates.duplicates, name="duplicates"),
    path("duplicates/keep/", duplicates.keep, name="duplicates-keep"),
    path("upload/", upload.upload, name="upload"),
    path("upload/state/", upload.state, name="upload-state"),
    path("upload/tickets/", tickets.issue, name="tickets"),
    path("upload/tickets/states/", tickets.states, name="ticket-states"),
    path("upload/tickets/<uuid:ticket_id>/file/", tickets.file, name="ticket-file"),
    path("upload/tickets/<uuid:ticket_id>/complete/", tickets.complete, name="ticket-complete"),
    path("images/<int:image_id>/", images.image, name="image"),
    path("images/<int:image_id>/panel/", images.panel, name="image-panel"),
    path("images/<int:image_id>/history/", history.history, name="history"),
    path("images/<int:image_id>/analyses/<int:analysis_id>/answer.json", history.answer, name="answer"),
    path("images/<int:image_id>/analyses/<int:analysis_id>/choose/", history.choose, name="choose"),
    path("images/<int:image_id>/retry/", images.retry, name="retry"),
    path("images/<int:image_id>/say/", curating.say, name="say"),
    path("images/<int:image_id>/labels/add/", curating.add, name="add-label"),
    path("images/<int:image_id>/tags/remove/", curating.remove_tag, name="remove-tag"),
    path("images/<int:image_id>/undo/", curating.undo, name="undo-here"),
    path("images/<int:image_id>/mark/", curating.mark, name="mark"),
    path("images/<int:image_id>/open-to/", curating.open_to, name="open-to"),
    path("images/<int:image_id>/discard/", curating.discard, name="discard"),
    path("images/<int:image_id>/restore/", curating.restore, name="restore"),
    path("images/<int:image_id>/original", files.original, name="original"),
    path("images/<int:image_id>/renditions/<slug:name>", files.rendition, name="rendition"),
    path("accounts/login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
