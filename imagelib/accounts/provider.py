"""Module in which django-allauth looks for an app's providers."""

from __future__ import annotations

from imagelib.accounts.oidc.provider import OidcProvider

provider_classes = [OidcProvider]
