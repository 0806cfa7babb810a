"""Root URL configuration: pages, accounts and the administration."""

from __future__ import annotations

from allauth.account import views as allauth
from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from analysis.api.app import urlpatterns as api_urlpatterns
from analysis.mcp_server.views import mcp
from analysis.web import sign_in
from imagelib.accounts import account_page, invitation_pages, passwords, people_pages, session_pages, token_pages
from imagelib.accounts.oidc import pages as oidc
from imagelib.accounts.two_step import pages as two_step

admin.site.has_permission = sign_in.can_open_admin  # type: ignore[method-assign]

handler500 = "analysis.web.error_pages.server_error"
urlpatterns = [
    path("", include("analysis.web.urls")),
    path("api/v1/", include(api_urlpatterns)),
    path("api/mcp", mcp, name="mcp"),
    path("account/", account_page.account, name="account"),
    path("account/password-notice/", account_page.dismiss_password_notice, name="dismiss-password-notice"),
    path("account/sessions/", session_pages.session_list, name="sessions"),
    path("account/sessions/sign-out/", session_pages.sign_out, name="session-sign-out"),
    path("account/tokens/", token_pages.tokens, name="api-tokens"),
    path("account/tokens/<int:token_id>/revoke/", token_pages.revoke, name="api-token-revoke"),
    path("people/", people_pages.people, name="people"),
    path("people/invite/", invitation_pages.invite, name="invite"),
    path("people/invitations/<int:invitation_id>/resend/", invitation_pages.resend, name="invitation-resend"),
    path("people/invitations/<int:invitation_id>/revoke/", invitation_pages.revoke, name="invitation-revoke"),
    path("people/<int:user_id>/", people_pages.person, name="person"),
    path("people/<int:user_id>/role/", people_pages.change_role, name="person-role"),
    path("people/<int:user_id>/access/", people_pages.change_access, name="person-access"),
    path("people/<int:user_id>/two-step/", people_pages.reset_two_step, name="person-two-step"),
    path("people/<int:user_id>/transfer/", people_pages.transfer, name="person-transfer"),
    path("invitations/<str:token>/", invitation_pages.accept, name="invitation"),
    *passwords.urlpatterns,
    *two_step.urlpatterns,
    *oidc.urlpatterns,
    # Each has two names: imagelib's, and the one that allauth uses.
    path("accounts/login/", sign_in.SignIn.as_view(), name="login"),
    path("accounts/login/", sign_in.SignIn.as_view(), name="account_login"),
    path("accounts/login/cancel/", sign_in.cancel_sign_in, name="cancel-sign-in"),
    path("accounts/inactive/", allauth.account_inactive, name="account_inactive"),
    path("account/confirm/", passwords.Reauthenticate.as_view(), name="account_reauthenticate"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/login/", sign_in.admin_sign_in, name="admin-sign-in"),
    path("admin/", admin.site.urls),
]
