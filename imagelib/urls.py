"""Root of the URL configuration: the pages, accounts and the administration."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from analysis.api.app import urlpatterns as api_urlpatterns
from analysis.mcp_server.views import mcp
from analysis.web import sign_in
from imagelib.accounts import passwords, session_pages, token_pages
from imagelib.accounts import views as accounts

admin.site.login_form = sign_in.AdminSignInForm

urlpatterns = [
    path("", include("analysis.web.urls")),
    path("api/v1/", include(api_urlpatterns)),
    path("api/mcp", mcp, name="mcp"),
    path("account/", accounts.account, name="account"),
    path("account/password-notice/", accounts.dismiss_password_notice, name="dismiss-password-notice"),
    path("account/sessions/", session_pages.session_list, name="sessions"),
    path("account/sessions/sign-out/", session_pages.sign_out, name="session-sign-out"),
    path("account/tokens/", token_pages.tokens, name="api-tokens"),
    path("account/tokens/<int:token_id>/revoke/", token_pages.revoke, name="api-token-revoke"),
    *passwords.urlpatterns,
    path("accounts/login/", sign_in.SignIn.as_view(), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
