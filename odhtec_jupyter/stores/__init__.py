"""Access to S3, Hugging Face and the workspace: one folder for each kind of store."""
