"""The sources of connections, one in each module."""
