"""The OpenID Connect provider in the settings, always with PKCE and a nonce."""

from __future__ import annotations

import hashlib
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.utils import build_absolute_uri
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import constant_time_compare

PROVIDER_ID = "oidc"
CONFIG_SECONDS = 60
"""Seconds for which the provider's configuration is cached, so that clicks alone send it no requests."""


class OidcClient(OpenIDConnectOAuth2Adapter):
    """Requests to the provider, and validation of its responses."""

    nonce = ""

    @property
    def openid_config(self) -> Any:
        url = self.get_provider().server_url
        config = cache.get(f"oidc:{url}")
        if config is None:
            config = super().openid_config
            cache.set(f"oidc:{url}", config, CONFIG_SECONDS)
        return config

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return str(build_absolute_uri(request, reverse("oidc-callback")))

    def get_access_token_data(
        self, request: HttpRequest, app: SocialApp, client: Any, pkce_code_verifier: str | None = None
    ) -> Any:
        self.nonce = nonce_of(pkce_code_verifier or "")
        return super().get_access_token_data(request, app, client, pkce_code_verifier)

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        """Validate the claims. Raises OAuth2Error for those of another sign-in or person."""
        # allauth would go on with the user info, which has no nonce to compare.
        if not kwargs["response"].get("id_token"):
            raise OAuth2Error("no ID token")
        login = super().complete_login(request, app, token, **kwargs)
        claims, userinfo = login.account.extra_data["id_token"], login.account.extra_data.get("userinfo") or {}
        if not constant_time_compare(str(claims.get("nonce", "")), self.nonce):
            raise OAuth2Error("the nonce of the ID token is of another sign-in")
        # OpenID Connect Core, 5.3.2: user info with another subject must not be used, since tokens may have been
        # exchanged.
        if userinfo and userinfo.get("sub") != claims["sub"]:
            raise OAuth2Error("the ID token and the user info are of two people")
        return login


class OidcProvider(OpenIDConnectProvider):
    oauth2_adapter_class = OidcClient
    pkce_enabled_default = True

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        return reverse("oidc-login")

    def get_pkce_params(self) -> dict[str, Any]:
        """Add the nonce, which is derived from the PKCE verifier and needs no storage."""
        params: dict[str, Any] = super().get_pkce_params()
        return params | {"nonce": nonce_of(params["code_verifier"])}

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, Any]:
        """Ignore parameters of the link, which could change the request."""
        return dict(self.get_auth_params())

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        return list(self.get_scope())

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Digest of issuer and subject, as subjects are only unique within an issuer."""
        claims = data["id_token"]
        return hashlib.sha256(f"{claims['iss']} {claims['sub']}".encode()).hexdigest()

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        claims = claims_of(data)
        return {"username": claims.get("preferred_username"), "email": email_of(data), "name": claims.get("name")}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        email = email_of(data)
        is_verified = settings.OIDC_TRUST_EMAIL or _is_verified(claims_of(data), email)
        return [EmailAddress(email=email, verified=is_verified, primary=True)] if email else []


def claims_of(data: dict[str, Any]) -> dict[str, Any]:
    return {**data["id_token"], **(data.get("userinfo") or {})}


def email_of(data: dict[str, Any]) -> str:
    email = claims_of(data).get(settings.OIDC_EMAIL_CLAIM)
    return email.strip() if isinstance(email, str) else ""


def _is_verified(claims: dict[str, Any], email: str) -> bool:
    """True if the provider says so; that is about `email`, not about another claim."""
    # Some providers send the text "true".
    says_so = str(claims.get("email_verified", "")).lower() == "true"
    return says_so and str(claims.get("email", "")).strip() == email


def nonce_of(verifier: str) -> str:
    return hashlib.sha256(b"nonce:" + verifier.encode()).hexdigest()
