"""Every address. Each has its entry in tests/web/test_access.py: who may, and what the others get."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import path

from analysis.web import files, history, images, library, upload

urlpatterns = [
    path("", library.library, name="library"),
    path("cards/", library.cards, name="cards"),
    path("upload/", upload.upload, name="upload"),
    path("upload/state/", upload.state, name="upload-state"),
    path("images/<int:image_id>/", images.image, name="image"),
    path("images/<int:image_id>/panel/", images.panel, name="image-panel"),
    path("images/<int:image_id>/history/", history.history, name="history"),
    path("images/<int:image_id>/analyses/<int:analysis_id>/answer.json", history.answer, name="answer"),
    path("images/<int:image_id>/analyses/<int:analysis_id>/choose/", history.choose, name="choose"),
    path("images/<int:image_id>/retry/", images.retry, name="retry"),
    path("images/<int:image_id>/original", files.original, name="original"),
    path("images/<int:image_id>/renditions/<slug:name>", files.rendition, name="rendition"),
    path("accounts/login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
