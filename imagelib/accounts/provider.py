"""Where django-allauth looks for the providers of an app."""

from __future__ import annotations

from imagelib.accounts.oidc.provider import OidcProvider

provider_classes = [OidcProvider]
