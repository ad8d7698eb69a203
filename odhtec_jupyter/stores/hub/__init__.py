"""Hugging Face: every call to a hub, and what it answers."""
