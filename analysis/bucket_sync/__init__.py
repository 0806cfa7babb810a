"""Images that stay in an S3 bucket: listing, events, import."""
