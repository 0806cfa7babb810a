"""All settings, from environment variables or `.env`.

A test compares docs/settings.md and .env.example with this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from environs import Env

from imagelib import admin_theme, budget, celery_broker, celery_schedule, csp, embedded, log_config, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()
env.read_env(env.str("IMAGELIB_ENV_FILE", str(BASE_DIR / ".env")), recurse=False)

# Embedded servers' data, local pictures, logs and generated secrets.
VAR = Path(env.str("IMAGELIB_VAR", "") or BASE_DIR / "var").resolve()

# Services without a URL are run by imagelib itself (imagelib/embedded).
DATABASE_URL = env.str("DATABASE_URL", "")
REDIS_URL = env.str("REDIS_URL", "")
EMBEDDED = frozenset(name for name, url in (("postgres", DATABASE_URL), ("redis", REDIS_URL)) if not url)

# --- Hosts and security -----------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", False)
_NAMED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [])
ALLOWED_HOSTS = _NAMED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
# With named hosts the site is reachable from outside, which calls for HTTPS.
HTTPS = env.bool("HTTPS", bool(_NAMED_HOSTS))

SECRET_KEY = env.str("SECRET_KEY", "") or secret_key.load_or_create(VAR / "secret_key", is_public=HTTPS)
# Earlier keys, so that sessions, links and app codes survive a new one.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "imagelib.accounts.session_store"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 60 * 60 * 24 * 365 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", False) else None
# X-Forwarded-For is used only if it comes from these addresses.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", [])
SIGN_IN_ATTEMPTS = env.int("SIGN_IN_ATTEMPTS", 10)
SIGN_IN_MINUTES = env.int("SIGN_IN_MINUTES", 15)
SECURE_REFERRER_POLICY = "same-origin"

# --- Sign-in: django-allauth, with limits of our own (analysis/web/attempts.py) ---------------------------------------

ACCOUNT_ADAPTER = "imagelib.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_METHODS = {"password", "mfa"}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105 - a class
ACCOUNT_FORMS = {
    "login": "analysis.web.sign_in.SignInForm",
    "change_password": "imagelib.accounts.password_forms.ChangeForm",
    "set_password": "django.contrib.auth.forms.SetPasswordForm",
    "reset_password": "imagelib.accounts.password_forms.ResetForm",
    "reset_password_from_key": "imagelib.accounts.password_forms.NewPasswordForm",
    "reauthenticate": "imagelib.accounts.password_forms.ReauthenticateForm",
}
MFA_ADAPTER = "imagelib.accounts.two_step.adapter.TwoStepAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # accounts are made by invitation, so there is no stranger to guard against
MFA_TOTP_ISSUER = "imagelib"
MFA_TOTP_TOLERANCE = 1  # codes of half a minute earlier and later count too
MFA_FORMS = {
    "authenticate": "imagelib.accounts.two_step.forms.CodeForm",
    "reauthenticate": "imagelib.accounts.two_step.forms.ReauthenticateForm",
    "activate_totp": "imagelib.accounts.two_step.forms.ActivateForm",
    "login_webauthn": "imagelib.accounts.two_step.forms.PasskeySignInForm",
    "authenticate_webauthn": "imagelib.accounts.two_step.forms.PasskeyForm",
    "reauthenticate_webauthn": "imagelib.accounts.two_step.forms.ReauthenticatePasskeyForm",
    "add_webauthn": "imagelib.accounts.two_step.forms.AddPasskeyForm",
}
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
SOCIALACCOUNT_ADAPTER = "imagelib.accounts.oidc.adapter.OidcAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True  # a stolen session must not connect the thief's account
SOCIALACCOUNT_LOGIN_ON_GET = True  # a form may lead nowhere else under the Content-Security-Policy
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", "")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", "")
OIDC_NAME = env.str("OIDC_NAME", "single sign-on")
OIDC_EMAIL_CLAIM = env.str("OIDC_EMAIL_CLAIM", "email")
OIDC_TRUST_EMAIL = env.bool("OIDC_TRUST_EMAIL", False)
OIDC_NEW_ACCOUNTS = env.bool("OIDC_NEW_ACCOUNTS", False)
OIDC_ROLE = env.str("OIDC_ROLE", "viewer")
# Who a reverse proxy says is signed in; used only if it comes from TRUSTED_PROXIES.
PROXY_USER_HEADER = env.str("PROXY_USER_HEADER", "")
PROXY_NEW_ACCOUNTS = env.bool("PROXY_NEW_ACCOUNTS", False)
PROXY_ROLE = env.str("PROXY_ROLE", "viewer")

# --- API --------------------------------------------------------------------------------------------------------------

API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", 600)
SITE_URL = env.str("SITE_URL", "")
DELIVERY_DAYS = env.int("DELIVERY_DAYS", 14)
DELIVERY_PRIVATE_ADDRESSES = env.bool("DELIVERY_PRIVATE_ADDRESSES", False)
EXPORT_DAYS = env.int("EXPORT_DAYS", 7)
TRASH_DAYS = env.int("TRASH_DAYS", 30)
AUDIT_DAYS = env.int("AUDIT_DAYS", 730)
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", [])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ("accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match")
CORS_EXPOSE_HEADERS = (
    "ETag",
    "Link",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
)
X_FRAME_OPTIONS = "DENY"

# --- Django -----------------------------------------------------------------------------------------------------------

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
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "imagelib.middleware.CspMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "imagelib.accounts.sessions.middleware",
    "analysis.web.private_cache.PrivateCache",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "imagelib.accounts.proxy_sign_in.middleware",
    "imagelib.accounts.api_tokens.authentication",
    "analysis.audit_log.source.middleware",
    "imagelib.accounts.time_zones.middleware",
    "imagelib.accounts.languages.middleware",
    "analysis.api.middleware.problems",
    "analysis.web.body_limits.BodyLimits",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
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
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_TZ = True
FORMAT_MODULE_PATH = "imagelib.formats"
USE_THOUSAND_SEPARATOR = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

AWS_STORAGE_BUCKET_NAME = env.str("AWS_STORAGE_BUCKET_NAME", "")
AWS_REGION = env.str("AWS_REGION", "") or env.str("AWS_DEFAULT_REGION", "")
AWS_ENDPOINT = env.str("AWS_ENDPOINT_URL_S3", "") or env.str("AWS_ENDPOINT_URL", "")
AWS_CLOUDFRONT_DOMAIN = env.str("AWS_CLOUDFRONT_DOMAIN", "")
_UPLOADS_TO = csp.origin(AWS_STORAGE_BUCKET_NAME, region=AWS_REGION, endpoint=AWS_ENDPOINT)
_PICTURES_FROM = [f"https://{AWS_CLOUDFRONT_DOMAIN}"] if AWS_CLOUDFRONT_DOMAIN else _UPLOADS_TO
CONTENT_SECURITY_POLICY = csp.policy(
    images=[*_PICTURES_FROM, *env.list("CSP_IMAGE_SOURCES", [])],
    uploads=[*_UPLOADS_TO, *env.list("CSP_CONNECT_SOURCES", [])],
)

# --- Database and cache -----------------------------------------------------------------------------------------------

_database = dj_database_url.parse(DATABASE_URL or embedded.database_url(VAR))
# Threads share connections through psycopg's pool, which replaces Django's persistent connections.
_pool: dict[str, Any] = {"min_size": 1, "max_size": env.int("DATABASE_POOL_SIZE", 20), "timeout": 10}
# For the searches' own statements; Django's cursors never prepare.
_prepare_after = 3 if env.bool("DATABASE_PREPARED", True) else None


def _connected(database: Any, **pool: Any) -> dict[str, Any]:
    options = {**database.get("OPTIONS", {}), "pool": _pool | pool, "prepare_threshold": _prepare_after}
    return {**database, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


DATABASES = {"default": _connected(_database)}
# A streaming replica that searches read; see analysis/search/replica.py.
if _replica_url := env.str("DATABASE_REPLICA_URL", ""):
    # A page waits less for it than for the primary database, which takes over.
    DATABASES["replica"] = _connected(dj_database_url.parse(_replica_url), timeout=1)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SEARCH_SECONDS = env.float("SEARCH_SECONDS", 5.0)

# --- Storage ----------------------------------------------------------------------------------------------------------

if AWS_STORAGE_BUCKET_NAME:
    _PICTURES = {
        "BACKEND": "analysis.storage.s3.SharedS3Storage",
        "OPTIONS": {
            "bucket_name": AWS_STORAGE_BUCKET_NAME,
            "region_name": AWS_REGION or None,
            "endpoint_url": AWS_ENDPOINT or None,
            "location": env.str("AWS_STORAGE_PREFIX", ""),
            "url_seconds": env.int("SIGNED_URL_SECONDS", 43_200),
            "distribution": {
                "domain": AWS_CLOUDFRONT_DOMAIN,
                "key_id": env.str("AWS_CLOUDFRONT_KEY_ID", ""),
                "key_file": env.str("AWS_CLOUDFRONT_KEY_FILE", ""),
            },
            "encryption": {
                "ServerSideEncryption": env.str("AWS_STORAGE_ENCRYPTION", ""),
                "SSEKMSKeyId": env.str("AWS_STORAGE_KMS_KEY_ID", ""),
            },
            "storage_class": env.str("AWS_STORAGE_CLASS", ""),
        },
    }
else:
    _PICTURES = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": Path(env.str("IMAGELIB_PICTURES", "") or VAR / "pictures"),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    }
STORAGES = {
    "default": _PICTURES,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"

EVENTS_QUEUE_URL = env.str("EVENTS_QUEUE_URL", "")

# --- Ingest -----------------------------------------------------------------------------------------------------------

MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", 100 * 1000**2)
MAX_UPLOAD_REQUEST_BYTES = env.int("MAX_UPLOAD_REQUEST_BYTES", 1000**3)
MAX_PIXELS = env.int("MAX_PIXELS", 250_000_000)
DECODE_MEMORY_BYTES = env.int("DECODE_MEMORY_BYTES", 2 * 1024**3)
DECODE_SECONDS = env.int("DECODE_SECONDS", 30)
UPLOAD_TICKET_SECONDS = env.int("UPLOAD_TICKET_SECONDS", 3_600)
MAX_OPEN_UPLOADS = env.int("MAX_OPEN_UPLOADS", 5_000)
MAX_OPEN_UPLOAD_BYTES = env.int("MAX_OPEN_UPLOAD_BYTES", 50 * 1000**3)
DATA_UPLOAD_MAX_NUMBER_FILES = env.int("MAX_FILES_PER_REQUEST", 1_000)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000  # the library without JavaScript has up to 1,200 checkboxes
FILE_UPLOAD_HANDLERS = [
    "analysis.web.body_limits.FileLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_TEMP_DIR = env.str("UPLOAD_TEMP_DIR", "") or None

# --- Recognition ------------------------------------------------------------------------------------------------------

RECOGNIZER = env.str("RECOGNIZER", "local")
# Empty: all APIs of a free recognizer, labels of a paid one.
RECOGNIZER_APIS: list[str] = env.list("RECOGNIZER_APIS", [])
MIN_CONFIDENCE = env.float("MIN_CONFIDENCE", 55.0)
FACE_CONFIDENCE = env.float("FACE_CONFIDENCE", 75.0)
MODERATION_MIN_CONFIDENCE = env.float("MODERATION_MIN_CONFIDENCE", 50.0)
MAX_LABELS = env.int("MAX_LABELS", 100)
LABEL_INCLUSION: list[str] = env.list("LABEL_INCLUSION", [])
LABEL_EXCLUSION: list[str] = env.list("LABEL_EXCLUSION", [])
CATEGORY_INCLUSION: list[str] = env.list("CATEGORY_INCLUSION", [])
CATEGORY_EXCLUSION: list[str] = env.list("CATEGORY_EXCLUSION", [])
IMAGE_PROPERTIES = env.bool("IMAGE_PROPERTIES", True)
RECOGNITION_LONG_SIDE = env.int("RECOGNITION_LONG_SIDE", 2048)
REKOGNITION_READS_BUCKET = env.bool("REKOGNITION_READS_BUCKET", False)
SIMILAR_PICTURES = env.bool("SIMILAR_PICTURES", True)

MONTHLY_BUDGET = budget.dollars("MONTHLY_BUDGET", env.str("MONTHLY_BUDGET", ""))
PERSON_MONTHLY_BUDGET = budget.dollars("PERSON_MONTHLY_BUDGET", env.str("PERSON_MONTHLY_BUDGET", ""))
INTERACTIVE_BUDGET = budget.dollars("INTERACTIVE_BUDGET", env.str("INTERACTIVE_BUDGET", ""))
if INTERACTIVE_BUDGET is None and MONTHLY_BUDGET is not None:
    INTERACTIVE_BUDGET = MONTHLY_BUDGET * 2
PRICES_FILE = env.str("PRICES_FILE", "")
AWS_ACCOUNT = env.str("AWS_ACCOUNT", "")
REKOGNITION_QUOTA: dict[str, str] = env.dict("REKOGNITION_QUOTA", {})  # calls per second and API: labels=50,faces=100
QUOTAS_FROM_AWS = env.bool("QUOTAS_FROM_AWS", False)
SIMULATOR_URL = env.str("SIMULATOR_URL", "http://127.0.0.1:9797")
# Models of the local recognizer: those imagelib prepares, and your own instead of them.
LOCAL_MODELS = Path(env.str("IMAGELIB_MODELS", "") or VAR / "models").resolve()
LOCAL_DETECTOR = env.str("LOCAL_DETECTOR", "")
LOCAL_CLASSIFIER = env.str("LOCAL_CLASSIFIER", "")
LOCAL_FACE_TRAITS = env.bool("LOCAL_FACE_TRAITS", False)
LOCAL_MODERATION = env.bool("LOCAL_MODERATION", False)
RECOGNITION_THREADS = env.int("RECOGNITION_THREADS", 2 if RECOGNIZER == "local" else 128)

# --- Celery: work is in the database, Redis carries IDs only ----------------------------------------------------------

LEASE_SECONDS = env.float("LEASE_SECONDS", 120.0)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", 10.0)
WATCHDOG_MINUTES = env.float("WATCHDOG_MINUTES", 15.0)
REDIS = REDIS_URL or embedded.redis_url(VAR)
CACHES = {"default": {"BACKEND": "imagelib.cache.OptionalRedisCache", "LOCATION": REDIS, "KEY_PREFIX": "imagelib"}}
CELERY_BROKER_URL = REDIS_URL or embedded.broker_url(VAR)
CELERY_TASK_IGNORE_RESULT = True
# Acknowledged at its end, so that the task of a killed worker runs again.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_RETRY_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "imagelib"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 8  # messages; calls in progress are limited by RECOGNITION_THREADS
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = celery_broker.transport_options(CELERY_BROKER_URL)
CELERY_BEAT_SCHEDULER = "imagelib.scheduler:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "beat-schedule")
# Scheduled bulk runs: a crontab, and the options of analyze_images.
ANALYZE_SCHEDULE = env.str("ANALYZE_SCHEDULE", "")
ANALYZE_OPTIONS = env.str("ANALYZE_OPTIONS", "--missing")
CELERY_BEAT_SCHEDULE = celery_schedule.beat(sweep_seconds=SWEEP_SECONDS, analyze_schedule=ANALYZE_SCHEDULE)

# --- Mail -------------------------------------------------------------------------------------------------------------

EMAIL_HOST = env.str("EMAIL_HOST", "")
EMAIL_PORT = env.int("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "imagelib@localhost")
# Without a mail server, messages are written to the log.
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"

UNFOLD = admin_theme.UNFOLD

# --- Logging ----------------------------------------------------------------------------------------------------------

LOGGING = log_config.log_config(env.str("LOG_LEVEL", "INFO"))
