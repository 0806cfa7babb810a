"""Sign-in with an OpenID Connect provider, by django-allauth."""
