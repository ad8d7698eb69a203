"""Requests and replies whose bodies are streamed: uploads, downloads and archives."""
