"""Settings of uploads: limits on files and on decoding."""

from __future__ import annotations

from imagelib.settings.environment import env
from imagelib.settings.storage import AWS_STORAGE_BUCKET_NAME

# Larger with S3, where browsers send files in parts that can be resumed; imagelib receives a file in one request.
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", (1000 if AWS_STORAGE_BUCKET_NAME else 100) * 1000**2)
MULTIPART_UPLOAD_BYTES = env.int("MULTIPART_UPLOAD_BYTES", 100 * 1000**2)
MULTIPART_PART_BYTES = env.int("MULTIPART_PART_BYTES", 16 * 1024**2)
MAX_UPLOAD_REQUEST_BYTES = env.int("MAX_UPLOAD_REQUEST_BYTES", 1000**3)
MAX_PIXELS = env.int("MAX_PIXELS", 250_000_000)
DECODE_MEMORY_BYTES = env.int("DECODE_MEMORY_BYTES", 2 * 1024**3)
DECODE_SECONDS = env.int("DECODE_SECONDS", 30)
UPLOAD_TICKET_SECONDS = env.int("UPLOAD_TICKET_SECONDS", 3_600)
MAX_OPEN_UPLOADS = env.int("MAX_OPEN_UPLOADS", 5_000)
MAX_OPEN_UPLOAD_BYTES = env.int("MAX_OPEN_UPLOAD_BYTES", 50 * 1000**3)
DATA_UPLOAD_MAX_NUMBER_FILES = env.int("MAX_FILES_PER_REQUEST", 1_000)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000  # without JavaScript, the library page has up to 1,200 checkboxes
FILE_UPLOAD_HANDLERS = [
    # First, so that the others store one byte more than the limit at most.
    "analysis.web.body_limits.FileLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_TEMP_DIR = env.str("UPLOAD_TEMP_DIR", "") or None
