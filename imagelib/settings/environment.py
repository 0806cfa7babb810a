"""Environment variables, `.env`, folders, and services that imagelib runs itself."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import Env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = Env()
env.read_env(env.str("IMAGELIB_ENV_FILE", str(BASE_DIR / ".env")), recurse=False)

# Embedded servers' data, local pictures, logs and generated secrets.
VAR = Path(env.str("IMAGELIB_VAR", "") or BASE_DIR / "var").resolve()

# Services without a URL are run by imagelib itself (imagelib/embedded).
DATABASE_URL = env.str("DATABASE_URL", "")
# "none": an installation without Redis.
REDIS_URL = env.str("REDIS_URL", "")
EMBEDDED = frozenset(name for name, url in (("postgres", DATABASE_URL), ("redis", REDIS_URL)) if not url)


def dollars(name: str, text: str) -> Decimal | None:
    """A setting in US dollars; None for no limit. Raises ImproperlyConfigured."""
    try:
        amount = Decimal(text) if text else None
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and not (amount.is_finite() and amount >= 0):
        raise ImproperlyConfigured(f"{name} is {text!r}. Set it to US dollars, for example 100.")
    return amount
