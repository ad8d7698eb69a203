"""The stand-in for Hugging Face: its API, its second host, and what it can do wrong."""
