"""Amazon Rekognition: requests, responses and error codes."""
