"""Originals and renditions on disk or in S3, static files, S3 events."""

from __future__ import annotations

from pathlib import Path

from imagelib.settings.environment import VAR, env

AWS_STORAGE_BUCKET_NAME = env.str("AWS_STORAGE_BUCKET_NAME", "")
AWS_REGION = env.str("AWS_REGION", "") or env.str("AWS_DEFAULT_REGION", "")
AWS_ENDPOINT = env.str("AWS_ENDPOINT_URL_S3", "") or env.str("AWS_ENDPOINT_URL", "")
AWS_CLOUDFRONT_DOMAIN = env.str("AWS_CLOUDFRONT_DOMAIN", "")

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
# Files of the local folder are sent by the server in front: x-accel (nginx), x-sendfile (Apache), or by imagelib.
SENDFILE = env.str("SENDFILE", "")
# nginx's internal location whose alias is the folder.
SENDFILE_PREFIX = env.str("SENDFILE_PREFIX", "/stored-files/")
STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"

EVENTS_QUEUE_URL = env.str("EVENTS_QUEUE_URL", "")
WORK_FUNCTION = env.str("WORK_FUNCTION", "")
