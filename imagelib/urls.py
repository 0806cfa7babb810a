"""Root of the URL configuration: the pages, accounts and the administration."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from analysis.web import sign_in
from imagelib.accounts import passwords
from imagelib.accounts import views as accounts

admin.site.login_form = sign_in.AdminSignInForm

urlpatterns = [
    path("", include("analysis.web.urls")),
    path("account/", accounts.account, name="account"),
    *passwords.urlpatterns,
    path("accounts/login/", sign_in.SignIn.as_view(), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
