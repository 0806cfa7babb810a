"""Two-step sign-in: app codes, recovery codes and passkeys, by django-allauth."""
