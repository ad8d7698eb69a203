"""HTTP handlers: each verb parses the request, calls stores or transfers, and replies."""
