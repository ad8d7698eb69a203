"""The work of a running transfer."""
