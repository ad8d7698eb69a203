"""S3: every call to it, and what it answers."""
