"""Settings of hosts, HTTPS, cookies, sign-in attempts and the CSP."""

from __future__ import annotations

from imagelib import csp, secret_key
from imagelib.settings.environment import VAR, env
from imagelib.settings.storage import AWS_CLOUDFRONT_DOMAIN, AWS_ENDPOINT, AWS_REGION, AWS_STORAGE_BUCKET_NAME

DEBUG = env.bool("DEBUG", False)
_NAMED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [])
ALLOWED_HOSTS = _NAMED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
# Named hosts mean that the site is reachable from outside, which calls for HTTPS.
HTTPS = env.bool("HTTPS", bool(_NAMED_HOSTS))

SECRET_KEY = env.str("SECRET_KEY", "") or secret_key.load_or_create(VAR / "secret_key", is_public=HTTPS)
# Earlier keys, so that sessions, links and app codes survive a change of the key.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "imagelib.accounts.session_store"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 60 * 60 * 24 * 365 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", False) else None
# X-Forwarded-For is trusted only from these addresses.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", [])
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

_UPLOADS_TO = csp.origin(AWS_STORAGE_BUCKET_NAME, region=AWS_REGION, endpoint=AWS_ENDPOINT)
_PICTURES_FROM = [f"https://{AWS_CLOUDFRONT_DOMAIN}"] if AWS_CLOUDFRONT_DOMAIN else _UPLOADS_TO
CONTENT_SECURITY_POLICY = csp.policy(
    images=[*_PICTURES_FROM, *env.list("CSP_IMAGE_SOURCES", [])],
    uploads=[*_UPLOADS_TO, *env.list("CSP_CONNECT_SOURCES", [])],
)
