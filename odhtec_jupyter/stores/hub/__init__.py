"""The store of Hugging Face: every call to a hub and its replies."""
