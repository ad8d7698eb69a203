"""The formats of S3: replies, errors, ETags and headers."""
