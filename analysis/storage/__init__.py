"""Where originals and renditions are kept: a folder or an S3 bucket."""
