"""Uploads, through the web server or straight to S3."""
