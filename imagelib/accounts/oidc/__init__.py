"""Sign-in at an OpenID Connect provider, by django-allauth."""
