"""Which stores the server uses and how: connections, settings, the disclaimer."""
