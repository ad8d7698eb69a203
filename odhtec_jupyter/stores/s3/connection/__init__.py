"""The connection to one S3 store: boto3's clients, regions, and what the store supports."""
