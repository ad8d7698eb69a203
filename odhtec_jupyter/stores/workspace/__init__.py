"""The workspace: every access to users' files."""
