"""Settings of Django: applications, middleware, templates, language."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

from imagelib import admin_theme
from imagelib.settings.environment import BASE_DIR, env


def _time_zone(name: str) -> str:
    """A time zone that this server knows. Raises ImproperlyConfigured."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ImproperlyConfigured(
            f"TIME_ZONE is {name!r}, which this server does not know. Set it to a name such as Europe/Berlin."
        ) from None


INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "corsheaders",
    "csp",
    "django_htmx",
    "ninja",
    "template_partials",
    "imagelib.accounts",
    "analysis",
]
MIDDLEWARE = [
    # First, so that every log line of a request has its id.
    "imagelib.request_ids.middleware",
    # Outside of the others, whose time it measures as well.
    "analysis.web.request_metrics.middleware",
    # Before SecurityMiddleware: probes come by IP address and without TLS, and it would redirect them to HTTPS.
    "analysis.web.probes.middleware",
    "django.middleware.security.SecurityMiddleware",
    # Right after SecurityMiddleware, as its documentation asks for: static files need none of the others.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Before CommonMiddleware, whose redirects need the headers, too (django-cors-headers, "Setup").
    "corsheaders.middleware.CorsMiddleware",
    "imagelib.middleware.CspMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "imagelib.accounts.sessions.middleware",
    # Inside of the session's middleware, since it looks for a signed-in user in the session.
    "analysis.web.private_cache.PrivateCache",
    # Before CommonMiddleware, which needs the language to find a URL (Django, "How Django discovers language
    # preference").
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # These two set the user, so that all below see the one of the header or the token.
    "imagelib.accounts.proxy_sign_in.middleware",
    "imagelib.accounts.api_tokens.authentication",
    "analysis.audit_log.source.middleware",
    "imagelib.accounts.time_zones.middleware",
    "imagelib.accounts.languages.middleware",
    # Outside of BodyLimits, whose refusals become problem details.
    "analysis.api.middleware.problems",
    # Limits depend on the user. CSRF's check, which reads the form, still comes later, in process_view.
    "analysis.web.body_limits.BodyLimits",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    # After LoginRequiredMiddleware, which usually loads the user; for logging alone nobody is loaded.
    "imagelib.request_ids.UserIds",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "analysis.web.search_replica.SearchReplica",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "imagelib.urls"
WSGI_APPLICATION = "imagelib.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "analysis.web.context_processors.notices",
                "analysis.web.context_processors.may",
            ],
        },
    }
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "library"
LOGOUT_REDIRECT_URL = "login"
AUTH_USER_MODEL = "accounts.User"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = _time_zone(env.str("TIME_ZONE", "") or "UTC")
USE_TZ = True
FORMAT_MODULE_PATH = "imagelib.formats"
USE_THOUSAND_SEPARATOR = True

UNFOLD = admin_theme.UNFOLD
