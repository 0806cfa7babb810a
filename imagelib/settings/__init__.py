"""All settings, from environment variables or `.env`, one module per subject.

A test compares docs/settings.md and .env.example with them.
"""

from imagelib.settings.api import *
from imagelib.settings.celery import *
from imagelib.settings.database import *
from imagelib.settings.environment import *
from imagelib.settings.logs import *
from imagelib.settings.mail import *
from imagelib.settings.monitoring import *
from imagelib.settings.recognition import *
from imagelib.settings.retention import *
from imagelib.settings.security import *
from imagelib.settings.sign_in import *
from imagelib.settings.storage import *
from imagelib.settings.uploads import *
from imagelib.settings.web import *
