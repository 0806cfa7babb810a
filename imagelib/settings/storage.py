"""Settings of storage on disk or in S3, static files and S3 events."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from imagelib.setting_names import one_of
from imagelib.settings.environment import VAR, env

AWS_STORAGE_BUCKET_NAME = env.str("AWS_STORAGE_BUCKET_NAME", "")
# The second names are django-storages' own.
AWS_REGION = one_of(
    env.str("AWS_DEFAULT_REGION", ""),
    AWS_REGION=env.str("AWS_REGION", "") or None,
    AWS_S3_REGION_NAME=env.str("AWS_S3_REGION_NAME", "") or None,
)
if _s3_endpoint := one_of(
    "",
    AWS_ENDPOINT_URL_S3=env.str("AWS_ENDPOINT_URL_S3", "") or None,
    AWS_S3_ENDPOINT_URL=env.str("AWS_S3_ENDPOINT_URL", "") or None,
):
    os.environ["AWS_ENDPOINT_URL_S3"] = _s3_endpoint  # botocore reads it from here
AWS_ENDPOINT = _s3_endpoint or env.str("AWS_ENDPOINT_URL", "")
AWS_CLOUDFRONT_DOMAIN = one_of(
    "",
    AWS_CLOUDFRONT_DOMAIN=env.str("AWS_CLOUDFRONT_DOMAIN", "") or None,
    AWS_S3_CUSTOM_DOMAIN=env.str("AWS_S3_CUSTOM_DOMAIN", "") or None,
)

# Shared with nginx, which serves thumbnails and previews from the local folder by URLs signed with it.
SENDFILE_KEY = env.str("SENDFILE_KEY", "")

_PICTURES: dict[str, Any]
if AWS_STORAGE_BUCKET_NAME:
    _PICTURES = {
        "BACKEND": "analysis.storage.s3.SharedS3Storage",
        "OPTIONS": {
            "bucket_name": AWS_STORAGE_BUCKET_NAME,
            "region_name": AWS_REGION or None,
            "endpoint_url": AWS_ENDPOINT or None,
            "location": one_of(
                "",
                AWS_STORAGE_PREFIX=env.str("AWS_STORAGE_PREFIX", "") or None,
                AWS_LOCATION=env.str("AWS_LOCATION", "") or None,
            ),
            "url_seconds": one_of(
                43_200,
                SIGNED_URL_SECONDS=env.int("SIGNED_URL_SECONDS", None),
                AWS_QUERYSTRING_EXPIRE=env.int("AWS_QUERYSTRING_EXPIRE", None),
            ),
            "distribution": {
                "domain": AWS_CLOUDFRONT_DOMAIN,
                "key_id": env.str("AWS_CLOUDFRONT_KEY_ID", ""),
                "key_file": env.str("AWS_CLOUDFRONT_KEY_FILE", ""),
                "key": env.str("AWS_CLOUDFRONT_KEY", ""),
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
    if SENDFILE_KEY and (_seconds := env.int("SIGNED_URL_SECONDS", 43_200)):
        _PICTURES["BACKEND"] = "analysis.storage.signed_folder.SignedFolder"
        _PICTURES["OPTIONS"] |= {"signing_key": SENDFILE_KEY, "signed_seconds": _seconds}
STORAGES = {
    "default": _PICTURES,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# The proxy that sends files of the local folder: x-accel (nginx) or x-sendfile (Apache); empty for imagelib itself.
SENDFILE = env.str("SENDFILE", "")
# nginx's internal location, whose alias is the folder.
SENDFILE_PREFIX = env.str("SENDFILE_PREFIX", "/stored-files/")
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("IMAGELIB_STATIC", "") or VAR / "static").resolve()

EVENTS_QUEUE_URL = env.str("EVENTS_QUEUE_URL", "")
WORK_FUNCTION = env.str("WORK_FUNCTION", "")
