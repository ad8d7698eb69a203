"""The store of S3: every call to it and its replies."""
