"""WSGI application, which starts the embedded servers."""

import logging
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from imagelib import embedded, newer_database, preload

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imagelib.settings")

embedded.start(settings.VAR, services=settings.EMBEDDED)
newer_database.refuse_newer()
application = get_wsgi_application()
preload.load()
if os.geteuid() == 0:
    logging.getLogger(__name__).warning("imagelib is running as root. Run it as a separate user.")
