"""AWS services over boto3: S3, SQS, STS, Service Quotas. No Django, no tables."""
