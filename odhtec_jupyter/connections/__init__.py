"""Named connections: every S3 store that a server knows, from all sources, in one registry."""
