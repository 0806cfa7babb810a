"""Uploads, through the web server or directly to S3."""
