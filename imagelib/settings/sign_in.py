"""Settings of sign-in and passwords: django-allauth, with limits of our own."""

from __future__ import annotations

from imagelib.settings.environment import env

# Failed attempts that are allowed, and the period in minutes.
SIGN_IN_ATTEMPTS = env.int("SIGN_IN_ATTEMPTS", 10)
SIGN_IN_MINUTES = env.int("SIGN_IN_MINUTES", 15)
ACCOUNT_ADAPTER = "imagelib.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# Otherwise anybody could have mail sent to any address by asking for a reset of its password.
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
MFA_ALLOW_UNVERIFIED_EMAIL = True  # accounts are created by invitation, so there are no strangers to guard against
MFA_TOTP_ISSUER = "imagelib"
MFA_TOTP_TOLERANCE = 1  # also accepts the codes of half a minute earlier and later
MFA_FORMS = {
    "authenticate": "imagelib.accounts.two_step.forms.CodeForm",
    "reauthenticate": "imagelib.accounts.two_step.forms.ReauthenticateForm",
    "activate_totp": "imagelib.accounts.two_step.forms.ActivateForm",
    "login_webauthn": "imagelib.accounts.two_step.forms.PasskeySignInForm",
    "authenticate_webauthn": "imagelib.accounts.two_step.forms.PasskeyForm",
    "reauthenticate_webauthn": "imagelib.accounts.two_step.forms.ReauthenticatePasskeyForm",
    "add_webauthn": "imagelib.accounts.two_step.forms.AddPasskeyForm",
}
# Replaced by `sign_in_limits`, which counts by account and network, and names the wait (decision 43).
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
SOCIALACCOUNT_ADAPTER = "imagelib.accounts.oidc.adapter.OidcAdapter"
# By verified addresses only (`email_addresses.py`): anybody can type a colleague's address on the account page.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True  # a stolen session must not connect the thief's account
SOCIALACCOUNT_LOGIN_ON_GET = True  # by a link, since the CSP's form-action forbids forms to other sites
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", "")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", "")
OIDC_NAME = env.str("OIDC_NAME", "single sign-on")
OIDC_EMAIL_CLAIM = env.str("OIDC_EMAIL_CLAIM", "email")
OIDC_TRUST_EMAIL = env.bool("OIDC_TRUST_EMAIL", False)
OIDC_NEW_ACCOUNTS = env.bool("OIDC_NEW_ACCOUNTS", False)
OIDC_ROLE = env.str("OIDC_ROLE", "viewer")
# The header in which a reverse proxy names the signed-in user; trusted only from TRUSTED_PROXIES.
PROXY_USER_HEADER = env.str("PROXY_USER_HEADER", "")
PROXY_NEW_ACCOUNTS = env.bool("PROXY_NEW_ACCOUNTS", False)
PROXY_ROLE = env.str("PROXY_ROLE", "viewer")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
