"""The only places that talk to S3 and to Hugging Face."""
