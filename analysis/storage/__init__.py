"""Storage of originals and renditions, in a folder or an S3 bucket."""
